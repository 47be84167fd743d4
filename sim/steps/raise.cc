// raise: ends this rank with an error, as a fault of its machine or its code would.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"error", kText, true, "", "",
     "the text of the error; with `of`, the name of the first selected tensor is added"},
};

// With a selection that is empty the engine does not come here.
Result<void> run(StepContext& context) {
  const std::string& error = arg<std::string>(context.step, "error");
  if (context.selected.empty()) return fail(error);
  return fail(fmt::format("{}: {}", error, context.rank.slot(context.selected[0]).spec->name));
}

}  // namespace

const Verb kRaise = {
    {"raise",
     "Ends this rank, or the update around the step, with an error, as a fault would. With `of`, "
     "only if a tensor is selected: inside `each`, that is at one tensor.",
     "raise: {ranks: 1, error: \"cannot open shard\"}", true, false, false, kParams},
    run};

}  // namespace loadproof::sim
