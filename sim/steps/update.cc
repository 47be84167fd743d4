// update: a scope that an error ends without ending the rank. The engine catches it.
#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"on_error", kChoice, false, "leave", "leave restore",
     "leave: all tensors stay as the error left them; restore: the rank holds a copy of all its "
     "tensors, and those of `of`, all if left out, go back to it"},
    {"failed", kText, false, "", "",
     "a flag that an error sets on the tensors of the update, and a success takes from them"},
    {"do", kSteps, true, "", "", "the steps of the update"},
};

Result<void> run(StepContext& context) {
  context.engine.enter_update(context);
  return {};
}

}  // namespace

const Verb kUpdate = {
    {"update",
     "Runs steps of which an error ends this update, not the rank, which goes on with the step "
     "after it. After an error the tensors of `of`, all but scratch if left out, must be all old "
     "or all new.",
     "update: {id: refit, on_error: restore, do: [read: {of: param, missing: error}]}", true, false,
     false, kParams},
    run};

}  // namespace loadproof::sim
