// delay: time that the rank spends on what the program does not tell, such as reading slowly.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"seconds", kSeconds, true, "", "", "how much later this rank's virtual clock is"},
};

Result<void> run(StepContext& context) {
  context.engine.work(context, arg<double>(context.step, "seconds"));
  return {};
}

}  // namespace

const Verb kDelay = {
    {"delay",
     "Lets virtual time pass on this rank, as slow work would. Nothing waits for a real clock.",
     "delay: {seconds: 2400, ranks: 0}", false, false, false, kParams},
    run};

}  // namespace loadproof::sim
