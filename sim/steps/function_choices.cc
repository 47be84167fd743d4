// Functions of `apply` in which values decide which elements are read.
#include <ATen/ops/broadcast_tensors.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/ranges.h>

#include <limits>

#include "sim/steps/function_parts.h"

namespace loadproof::sim::parts {
namespace {

// Of the rows of `table`; negative ones only where they are passed over.
Result<void> check_rows(const at::Tensor& index, const at::Tensor& table, int64_t least,
                        std::string_view name) {
  for (int64_t i = 0; i < index.numel(); ++i) {
    const auto row = index[i].item<int64_t>();
    if (row < least || row >= table.size(0))
      return fail(fmt::format("{} found index {}, and there are {} rows", name, row,
                              table.size(0)));
  }
  return {};
}

at::Tensor flat_index(const at::Tensor& index) { return index.reshape({-1}).to(at::kLong); }

// What `put` makes of the rows of anything that has the shapes of its inputs.
at::Tensor with_rows(const at::Tensor& target, const at::Tensor& index, const at::Tensor& values) {
  at::Tensor result = target.clone();
  for (int64_t i = 0; i < index.numel(); ++i)
    if (const auto row = index[i].item<int64_t>(); row >= 0) result[row].copy_(values[i]);
  return result;
}

}  // namespace

Computed lookup(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 2, 0, "lookup"); !good) return tl::make_unexpected(good.error());
  const at::Tensor table = inputs[1].reshape({-1});
  const at::Tensor codes = flat_index(inputs[0]);
  if (auto good = check_rows(codes, table, 0, "lookup"); !good)
    return tl::make_unexpected(good.error());
  return table.index_select(0, codes).reshape(inputs[0].sizes());
}

Computed take(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 2, 1, "take"); !good) return tl::make_unexpected(good.error());
  const at::Tensor rows = flat_index(inputs[1]);
  if (auto good = check_rows(rows, inputs[0], 0, "take"); !good)
    return tl::make_unexpected(good.error());
  return inputs[0].index_select(0, rows);
}

Computed put(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 3, 1, "put"); !good) return tl::make_unexpected(good.error());
  const at::Tensor rows = flat_index(inputs[1]);
  if (auto good = check_rows(rows, inputs[0], std::numeric_limits<int64_t>::min(), "put"); !good)
    return tl::make_unexpected(good.error());
  if (inputs[2].dim() < 1 || inputs[2].size(0) != rows.numel())
    return fail(fmt::format("put has {} indices for values of shape [{}]", rows.numel(),
                            fmt::join(inputs[2].sizes(), ", ")));
  return with_rows(inputs[0], rows, inputs[2]);
}

Computed select(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 3, 0, "select"); !good) return tl::make_unexpected(good.error());
  return at::where(wide(inputs[0]).ne(0), wide(inputs[1]), wide(inputs[2]));
}

at::Tensor looked_up(Tensors numbers, Tensors inputs, const FunctionOptions&) {
  const at::Tensor codes = flat_index(inputs[0]);
  return at::stack({numbers[0].reshape({-1}), numbers[1].reshape({-1}).index_select(0, codes)}, 1);
}

at::Tensor taken(Tensors numbers, Tensors inputs, const FunctionOptions&) {
  const at::Tensor rows = numbers[0].index_select(0, flat_index(inputs[1]));
  const int64_t count = rows.size(0), width = count == 0 ? 0 : rows.numel() / count;
  const at::Tensor index = numbers[1].reshape({-1, 1}).expand({count, width}).reshape({-1});
  return at::stack({rows.reshape({-1}), index}, 1);
}

at::Tensor put_there(Tensors numbers, Tensors inputs, const FunctionOptions&) {
  const at::Tensor rows = flat_index(inputs[1]);
  const at::Tensor content = with_rows(numbers[0], rows, numbers[2]);
  std::vector<int64_t> shape(static_cast<size_t>(numbers[2].dim()), 1);
  shape[0] = rows.numel();
  const at::Tensor index = numbers[1].reshape(shape).expand(numbers[2].sizes());
  const at::Tensor by = with_rows(at::full_like(numbers[0], -1), rows, index);
  return at::stack({content.reshape({-1}), by.reshape({-1})}, 1);
}

at::Tensor selected(Tensors numbers, Tensors inputs, const FunctionOptions&) {
  const std::vector<at::Tensor> all =
      at::broadcast_tensors({numbers[0], numbers[1], numbers[2], wide(inputs[0]).ne(0)});
  return at::stack({all[0].reshape({-1}), at::where(all[3], all[1], all[2]).reshape({-1})}, 1);
}

}  // namespace loadproof::sim::parts
