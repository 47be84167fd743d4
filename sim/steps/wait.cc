// wait: for what an earlier step has posted with `async`.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"for", kText, true, "", "", "the id of the step"},
};

Result<void> run(StepContext& context) {
  return context.engine.await(context, arg<std::string>(context.step, "for"));
}

}  // namespace

const Verb kWait = {
    {"wait", "Waits until all that an earlier step has posted with `async` has met.",
     "wait: {for: sync}", false, false, false, kParams},
    run};

}  // namespace loadproof::sim
