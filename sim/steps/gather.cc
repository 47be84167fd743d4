// gather: joins the pieces of each tensor on every rank of the group, as an all-gather does.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"group", kGroup, false, "world", "", "world, or node (the ranks of one node)"},
};

Result<void> run(StepContext& context) {
  for (int slot : context.selected) {
    if (!context.rank.slot(slot).shard)
      return fail(fmt::format("{} is not sharded: there is nothing to gather",
                              context.rank.slot(slot).spec->name));
    auto posted = context.engine.post(context, {.op = Collective::kAllGather,
                                                .group = arg<std::string>(context.step, "group"),
                                                .slot = slot});
    if (!posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kGather = {
    {"gather", "Joins the pieces of each sharded tensor on every rank of the group.",
     "gather: {of: param}", true, true, true, kParams},
    run};

}  // namespace loadproof::sim
