// raise: ends this rank with an error, as a fault of its machine or its code would.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"error", kText, true, "", "", "the text of the error"},
};

Result<void> run(StepContext& context) { return fail(arg<std::string>(context.step, "error")); }

}  // namespace

const Verb kRaise = {
    {"raise", "Ends this rank with an error, as a fault would.",
     "raise: {ranks: 1, error: \"cannot open shard\"}", false, false, false, kParams},
    run};

}  // namespace loadproof::sim
