#include "sim/cut_args.h"

namespace loadproof {

CutRule cut_rule_named(std::string_view text) {
  for (CutRule rule : {CutRule::kEven, CutRule::kFloor, CutRule::kPadded, CutRule::kPacked,
                       CutRule::kCyclic, CutRule::kFlat})
    if (name(rule) == text) return rule;
  return CutRule::kChunk;
}

Cut cut_of(const Step& step) {
  Cut cut;
  if (const auto* rule = optional_arg<std::string>(step, "rule")) cut.rule = cut_rule_named(*rule);
  if (const auto* dim = optional_arg<int64_t>(step, "dim")) cut.dim = *dim;
  if (const auto* multiple = optional_arg<int64_t>(step, "multiple")) cut.multiple = *multiple;
  if (const auto* sections = optional_arg<std::vector<int64_t>>(step, "sections"))
    cut.sections = *sections;
  if (const auto* order = optional_arg<std::vector<int64_t>>(step, "order")) cut.order = *order;
  return cut;
}

}  // namespace loadproof
