// barrier: waits for all of the group.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"group", kGroup, false, "world", "", "world, node, a mesh dimension or a role"},
};

Result<void> run(StepContext& context) {
  return context.engine.post(
      context, {.op = Collective::kBarrier, .group = arg<std::string>(context.step, "group")});
}

}  // namespace

const Verb kBarrier = {
    {"barrier", "Waits for all of the group.", "barrier: {}", false, false, true, kParams}, run};

}  // namespace loadproof::sim
