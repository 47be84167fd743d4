// all_reduce: joins each tensor of all ranks element by element, on every rank.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"op", kChoice, false, "sum", "sum max min", "how elements are joined"},
    {"group", kGroup, false, "world", "", "world, node, a mesh dimension or a role"},
};

Reduction reduction_named(const std::string& name) {
  if (name == "max") return Reduction::kMax;
  return name == "min" ? Reduction::kMin : Reduction::kSum;
}

Result<void> run(StepContext& context) {
  for (int slot : context.selected) {
    auto posted = context.engine.post(
        context, {.op = Collective::kAllReduce,
                  .group = arg<std::string>(context.step, "group"),
                  .slot = slot,
                  .reduction = reduction_named(arg<std::string>(context.step, "op"))});
    if (!posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kAllReduce = {
    {"all_reduce", "Joins each tensor of all ranks element by element, on every rank.",
     "all_reduce: {of: flag, op: max}", true, true, true, kParams},
    run};

}  // namespace loadproof::sim
