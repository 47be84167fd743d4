// barrier: waits for all of the group.
#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

Result<void> run(StepContext& context) {
  return context.engine.post(context, collective_post(context.step, Collective::kBarrier));
}

}  // namespace

const Verb kBarrier = {{"barrier", "Waits for all of the group.", "barrier: {}", false, false, true,
                        kCollectiveParams},
                       run};

}  // namespace loadproof::sim
