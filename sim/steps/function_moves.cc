// Functions of `apply` that only say where elements go.
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/steps/function_parts.h"

namespace loadproof::sim::parts {
namespace {

// A dimension that the value has, or an error; the first if none is asked for.
Result<int64_t> dim_of(const at::Tensor& value, const FunctionOptions& options,
                       std::string_view name) {
  const int64_t dim = options.dim.value_or(0);
  if (dim < value.dim()) return dim;
  return fail(fmt::format("{} goes along dimension {}, and shape [{}] has no such", name, dim,
                          fmt::join(value.sizes(), ", ")));
}

int64_t elements_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

// With `beyond` where the result is longer than what there is.
at::Tensor padded_with(const at::Tensor& value, const std::vector<int64_t>& shape, double beyond) {
  at::Tensor whole = at::full(shape, beyond, value.options());
  at::Tensor covered = whole;
  for (int64_t d = 0; d < value.dim(); ++d) covered = covered.narrow(d, 0, value.size(d));
  covered.copy_(value);
  return whole;
}

}  // namespace

Computed transpose(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 2, "transpose"); !good) return tl::make_unexpected(good.error());
  if (options.dims.empty()) return inputs[0].transpose(0, 1).contiguous();
  std::vector<int64_t> sorted = options.dims;
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i) ||
        static_cast<int64_t>(sorted.size()) != inputs[0].dim())
      return fail(fmt::format("dims [{}] are no order of {} dimensions",
                              fmt::join(options.dims, ", "), inputs[0].dim()));
  return inputs[0].permute(options.dims).contiguous();
}

Computed reshape(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 0, "reshape"); !good) return tl::make_unexpected(good.error());
  if (inputs[0].numel() != elements_of(options.shape))
    return fail(fmt::format("reshape cannot make [{}] of [{}]", fmt::join(options.shape, ", "),
                            fmt::join(inputs[0].sizes(), ", ")));
  return inputs[0].reshape(options.shape);
}

// As the conversion scripts of Llama: halves of each head become pairs.
Computed rope_permute(Tensors inputs, const FunctionOptions& options) {
  auto good = wants(inputs, 1, 2, "rope_permute");
  if (!good) return tl::make_unexpected(good.error());
  const int64_t rows = inputs[0].size(0);
  const int64_t heads = options.head_dim > 0 ? rows / options.head_dim : options.heads;
  if (heads < 1 || rows % (2 * heads) != 0)
    return fail(fmt::format("rope_permute cannot cut {} rows into {} heads of two halves", rows,
                            heads));
  return inputs[0]
      .reshape({heads, 2, rows / heads / 2, -1})
      .transpose(1, 2)
      .reshape(inputs[0].sizes());
}

Computed stack(Tensors inputs, const FunctionOptions& options) {
  return at::stack(at::TensorList(inputs.data(), inputs.size()), options.dim.value_or(0));
}

Computed concat(Tensors inputs, const FunctionOptions& options) {
  return at::cat(at::TensorList(inputs.data(), inputs.size()), options.dim.value_or(0));
}

Computed split(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 1, "split"); !good) return tl::make_unexpected(good.error());
  const Result<int64_t> dim = dim_of(inputs[0], options, "split");
  if (!dim) return tl::make_unexpected(dim.error());
  const int64_t rows = inputs[0].size(*dim);
  if (options.parts < 1 || rows % options.parts != 0 || options.part >= options.parts)
    return fail(fmt::format("split has no part {} of {} in {} rows", options.part, options.parts,
                            rows));
  const int64_t each = rows / options.parts;
  return inputs[0].narrow(*dim, options.part * each, each).contiguous();
}

// Row 0 of each input, then row 1 of each, and so on.
Computed interleave(Tensors inputs, const FunctionOptions& options) {
  const Result<int64_t> dim = dim_of(inputs[0], options, "interleave");
  if (!dim) return tl::make_unexpected(dim.error());
  return at::stack(at::TensorList(inputs.data(), inputs.size()), *dim + 1)
      .flatten(*dim, *dim + 1);
}

Computed repeat(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 1, "repeat"); !good) return tl::make_unexpected(good.error());
  const Result<int64_t> dim = dim_of(inputs[0], options, "repeat");
  if (!dim) return tl::make_unexpected(dim.error());
  return inputs[0].repeat_interleave(options.repeats, *dim);
}

Computed roll(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 1, "roll"); !good) return tl::make_unexpected(good.error());
  const Result<int64_t> dim = dim_of(inputs[0], options, "roll");
  if (!dim) return tl::make_unexpected(dim.error());
  return inputs[0].roll({static_cast<int64_t>(options.constant.value_or(1))}, {*dim});
}

Computed pad(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 1, "pad"); !good) return tl::make_unexpected(good.error());
  const auto shape = inputs[0].sizes();
  bool fits = shape.size() == options.shape.size();
  for (size_t d = 0; fits && d < shape.size(); ++d) fits = shape[d] <= options.shape[d];
  if (!fits)
    return fail(fmt::format("pad cannot make [{}] of [{}]", fmt::join(options.shape, ", "),
                            fmt::join(shape, ", ")));
  return padded_with(inputs[0], options.shape, options.constant.value_or(0));
}

Computed bitcast(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 1, "bitcast"); !good) return tl::make_unexpected(good.error());
  return inputs[0].contiguous().view(options.dtype);
}

at::Tensor padded(Tensors numbers, Tensors, const FunctionOptions& options) {
  return padded_with(numbers[0], options.shape, -1).reshape({-1, 1});
}

at::Tensor recast(Tensors numbers, Tensors inputs, const FunctionOptions& options) {
  const auto from = static_cast<int64_t>(inputs[0].element_size());
  const auto to = static_cast<int64_t>(c10::elementSize(options.dtype));
  const at::Tensor flat = numbers[0].reshape({-1});
  if (to >= from) return flat.reshape({-1, to / from});
  return flat.repeat_interleave(from / to).reshape({-1, 1});
}

}  // namespace loadproof::sim::parts
