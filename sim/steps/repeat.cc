// repeat: runs steps several times. The engine does the looping.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"times", kInt, true, "", "", "how often; keys and files of stores may hold {turn}, from 0"},
    {"do", kSteps, true, "", "", "the steps"},
};

Result<void> run(StepContext& context) {
  context.engine.enter_repeat(context, arg<int64_t>(context.step, "times"));
  return {};
}

}  // namespace

const Verb kRepeat = {
    {"repeat", "Runs steps several times, as cycles of sleep and wake or of updates do.",
     "repeat: {times: 3, do: [read: {of: param, place: same}]}", false, false, false, kParams},
    run};

}  // namespace loadproof::sim
