// observe: records every tensor here, for reports and for expectations with `at`.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

Result<void> run(StepContext& context) {
  context.engine.take_point(context, /*sampled=*/false);
  return {};
}

}  // namespace

const Verb kObserve = {
    {"observe", "Records every tensor's state here, for reports and for expectations with `at`.",
     "observe: {id: after_load}", false, false, false, {}},
    run};

}  // namespace loadproof::sim
