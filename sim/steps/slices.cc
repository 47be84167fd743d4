#include "sim/steps/slices.h"

#include <fmt/format.h>

#include "sim/rank.h"
#include "sim/slice.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

at::Tensor view_of(const Slice& slice, const at::Tensor& value) {
  at::Tensor part = value;
  int64_t dim = 0;
  for (const Slice::Range& range : slice.ranges()) {
    if (range.is_index)
      part = part.select(dim, *range.begin);
    else
      part = part.slice(dim++, range.begin, range.end, range.step);
  }
  return part;
}

}  // namespace

Result<std::optional<TensorPart>> part_argument(const StepContext& context,
                                                std::string_view parameter, const at::Tensor& value,
                                                std::string_view tensor) {
  const auto* text = optional_arg<std::string>(context.step, parameter);
  if (!text) return std::optional<TensorPart>();
  const Result<Slice> slice = Slice::parse(*text);
  if (!slice) return tl::make_unexpected(slice.error());
  return part_of(*slice, value, tensor);
}

Result<std::optional<TensorPart>> part_of(const Slice& slice, const at::Tensor& value,
                                          std::string_view tensor) {
  Result<Layout> layout = slice.layout(shape_of(value));
  if (!layout) return fail(fmt::format("{}: {}", tensor, layout.error().message));
  return std::optional(TensorPart{view_of(slice, value), std::move(*layout)});
}

}  // namespace loadproof::sim
