// mark: sets or clears a flag on tensors.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"flag", kText, true, "", "", "the flag's name; selectors use it as a word"},
    {"clear", kBool, false, "false", "", "take the flag away instead"},
};

Result<void> run(StepContext& context) {
  for (int slot : context.selected)
    context.rank.set_flag(slot, arg<std::string>(context.step, "flag"),
                          !arg<bool>(context.step, "clear"));
  return {};
}

}  // namespace

const Verb kMark = {
    {"mark", "Sets or clears a flag on tensors. Flags may say more or less than the truth.",
     "mark: {of: file, ranks: r>0, flag: initialised}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
