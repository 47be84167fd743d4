// require: the loader's own check of what it has made.
#include <algorithm>

#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"is", kTensors, true, "", "", "what each selected tensor must be"},
    {"error", kText, true, "", "",
     "the text of the error that is raised otherwise; the tensor's name is added"},
};

Result<void> run(StepContext& context) {
  const std::vector<int> good =
      context.engine.resolve_on(context.rank, arg<Selector>(context.step, "is"));
  for (int slot : context.selected)
    if (!std::binary_search(good.begin(), good.end(), slot))
      return fail(fmt::format("{}: {}", arg<std::string>(context.step, "error"),
                              context.rank.slot(slot).spec->name));
  return {};
}

}  // namespace

const Verb kRequire = {
    {"require", "The loader's own check: an error if a selected tensor is not what it must be.",
     "require: {of: param, is: \"!meta\", error: \"parameter left on meta\"}", true, true, false,
     kParams, /*reads=*/true},
    run};

}  // namespace loadproof::sim
