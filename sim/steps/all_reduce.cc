// all_reduce: joins each tensor of all ranks element by element, on every rank.
#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kOwn[] = {
    {"op", kChoice, false, "sum", "sum max min",
     "how elements are joined; what max and min make of a NaN depends on who holds it, as in Gloo"},
    {"to", kInt, false, "", "",
     "only this member of the group gets the result, as of a reduce; all if left out"},
    {"match", kChoice, false, "strict", "strict bytes",
     "strict: another name, dtype or shape is told by no_hang; bytes: only sizes count"},
    kStridedParam,
};
constexpr auto kParams = with_collective_params(kOwn);

Reduction reduction_named(const std::string& name) {
  if (name == "max") return Reduction::kMax;
  return name == "min" ? Reduction::kMin : Reduction::kSum;
}

Result<void> run(StepContext& context) {
  Post post = collective_post(context.step, Collective::kAllReduce);
  post.reduction = reduction_named(arg<std::string>(context.step, "op"));
  if (const int64_t* to = optional_arg<int64_t>(context.step, "to")) {
    const Result<int> receiver = context.engine.member_of(post.group, context.rank.index(), *to);
    if (!receiver) return tl::make_unexpected(receiver.error());
    post.source = *receiver;
  }
  post.match_bytes = arg<std::string>(context.step, "match") == "bytes";
  post.strided = strided_of(context.step);
  for (int slot : context.selected) {
    post.slot = slot;
    if (auto posted = context.engine.post(context, post); !posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kAllReduce = {
    {"all_reduce", "Joins each tensor of all ranks element by element, on every rank or on one.",
     "all_reduce: {of: flag, op: max}", true, true, true, kParams},
    run};

}  // namespace loadproof::sim
