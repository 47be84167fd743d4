// each: runs steps once for each tensor of a selection. The engine does the looping.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"chunk", kInt, false, "1", "", "how many tensors a turn is about, as a bucket holds them", 1},
    {"do", kSteps, true, "", "",
     "steps that run once for each tensor, or each chunk of them, which they call `it`"},
};

Result<void> run(StepContext& context) {
  context.engine.enter_each(context, arg<int64_t>(context.step, "chunk"));
  return {};
}

}  // namespace

const Verb kEach = {
    {"each", "Runs steps once for each tensor of a selection, or for each few.",
     "each: {of: param, do: [broadcast: {of: it, src: 0}]}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
