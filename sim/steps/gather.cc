// gather: joins the pieces of each tensor on every rank of the group, as an all-gather does.
#include <fmt/format.h>

#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

Result<void> run(StepContext& context) {
  Post post = collective_post(context.step, Collective::kAllGather);
  for (int slot : context.selected) {
    const Slot& held = context.rank.slot(slot);
    if (!held.shard)
      return fail(fmt::format("{} is not sharded: there is nothing to gather", held.spec->name));
    if (held.shard->levels.back().group != post.group)
      return fail(fmt::format("{} was cut over {} last, and cannot be gathered over {}",
                              held.spec->name, held.shard->levels.back().group, post.group));
    post.slot = slot;
    if (auto posted = context.engine.post(context, post); !posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kGather = {
    {"gather", "Joins the pieces of each sharded tensor on every rank of the group.",
     "gather: {of: param}", true, true, true, kCollectiveParams},
    run};

}  // namespace loadproof::sim
