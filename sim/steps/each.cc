// each: runs steps once for each tensor of a selection. The engine does the looping.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"do", kSteps, true, "", "", "steps that run once for each tensor, which they call `it`"},
};

Result<void> run(StepContext& context) {
  context.engine.enter_each(context);
  return {};
}

}  // namespace

const Verb kEach = {
    {"each", "Runs steps once for each tensor of a selection.",
     "each: {of: param, do: [broadcast: {of: it, src: 0}]}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
