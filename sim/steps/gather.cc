// gather: joins the pieces of each tensor on every rank of the group, as an all-gather does.
#include <fmt/format.h>

#include <algorithm>

#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kOwn[] = {
    {"to", kInt, false, "", "", "only this member of the group gets the whole; all if left out"},
};
constexpr auto kParams = with_collective_params(kOwn);

Result<void> run(StepContext& context) {
  Post post = collective_post(context.step, Collective::kAllGather);
  if (const int64_t* to = optional_arg<int64_t>(context.step, "to")) {
    const Result<int> receiver = context.engine.member_of(post.group, context.rank.index(), *to);
    if (!receiver) return tl::make_unexpected(receiver.error());
    post.op = Collective::kGather;
    post.source = *receiver;
  }
  for (int slot : context.selected) {
    const Slot& held = context.rank.slot(slot);
    if (!held.shard)
      return fail(fmt::format("{} is not sharded: there is nothing to gather", held.spec->name));
    const auto& levels = held.shard->levels;
    const auto cut = std::find_if(levels.rbegin(), levels.rend(), [&](const Shard::Level& level) {
      return level.group == post.group;
    });
    if (cut == levels.rend())
      return fail(fmt::format("{} was cut over {} last, and cannot be gathered over {}",
                              held.spec->name, levels.back().group, post.group));
    post.level = static_cast<size_t>(levels.rend() - cut) - 1;
    post.slot = slot;
    if (auto posted = context.engine.post(context, post); !posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kGather = {
    {"gather",
     "Joins the pieces of each sharded tensor on every rank of the group, or on one, side by side: "
     "of nested cuts the last one first, or the elements are in another order.",
     "gather: {of: param}", true, true, true, kParams},
    run};

}  // namespace loadproof::sim
