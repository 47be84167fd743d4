// gather: joins the pieces of each tensor on every rank of the group, as an all-gather does.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"group", kGroup, false, "world", "", "world, node, a mesh dimension or a role"},
};

Result<void> run(StepContext& context) {
  for (int slot : context.selected) {
    const Slot& held = context.rank.slot(slot);
    const std::string& group = arg<std::string>(context.step, "group");
    if (!held.shard)
      return fail(fmt::format("{} is not sharded: there is nothing to gather", held.spec->name));
    if (held.shard->levels.back().group != group)
      return fail(fmt::format("{} was cut over {} last, and cannot be gathered over {}",
                              held.spec->name, held.shard->levels.back().group, group));
    auto posted = context.engine.post(
        context, {.op = Collective::kAllGather, .group = group, .slot = slot});
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
