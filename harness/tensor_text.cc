#include "harness/tensor_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace loadproof::harness {
namespace {

std::string cut_text(const Cut& cut, const std::string& over) {
  std::vector<std::string> parts{fmt::format("dim: {}", cut.dim)};
  if (over != "world") parts.push_back("over: " + over);
  if (cut.rule != CutRule::kChunk) parts.push_back(fmt::format("rule: {}", name(cut.rule)));
  if (cut.multiple != 1) parts.push_back(fmt::format("multiple: {}", cut.multiple));
  if (!cut.sections.empty())
    parts.push_back(fmt::format("sections: [{}]", fmt::join(cut.sections, ", ")));
  if (!cut.order.empty()) parts.push_back(fmt::format("order: [{}]", fmt::join(cut.order, ", ")));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

}  // namespace

std::string tensor_text(const ExtraTensor& tensor) {
  const TensorSpec& spec = tensor.spec;
  std::string text = fmt::format("{}  {} {} [{}]", spec.name, name(spec.kind), name(spec.dtype),
                                 fmt::join(spec.shape, ", "));
  if (tensor.module != "outermost") text += fmt::format(" of {}", tensor.module);
  if (spec.in_stores) text += ", from file";
  if (!tensor.value.empty()) text += fmt::format(", value: {}", tensor.value);
  if (spec.cut) text += fmt::format(", shard {}", cut_text(*spec.cut, spec.cut_over));
  if (spec.held_by.text() != "all") text += fmt::format(", ranks: {}", spec.held_by.text());
  if (!spec.shared_over.empty()) text += fmt::format(", shared: {}", spec.shared_over);
  if (!spec.tied_to.empty()) text += fmt::format(", tied to {}", spec.tied_to);
  if (spec.tied_slice) text += fmt::format("[{}]", spec.tied_slice->text());
  if (spec.tolerance > 0) text += fmt::format(", tolerance: {}", spec.tolerance);
  return text;
}

}  // namespace loadproof::harness
