// Functions of `apply` in which values decide which elements are read.
#include <ATen/ops/broadcast_tensors.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/ranges.h>

#include <string>

#include "sim/steps/function_parts.h"

namespace loadproof::sim::parts {
namespace {

// The rows that an index means: negative ones count from the end where they wrap.
at::Tensor rows_of(const at::Tensor& index, const at::Tensor& table, std::string_view negative) {
  const at::Tensor rows = index.reshape({-1}).to(at::kLong);
  return negative == "wrap" ? at::where(rows.lt(0), rows.add(table.size(0)), rows) : rows;
}

// Rows that there are not are errors, negative ones but where they are dropped.
Result<void> check_rows(const at::Tensor& index, const at::Tensor& table, std::string_view negative,
                        std::string_view name) {
  const at::Tensor rows = rows_of(index, table, negative);
  for (int64_t i = 0; i < rows.numel(); ++i) {
    const auto row = rows[i].item<int64_t>();
    if (row >= table.size(0) || (row < 0 && negative != "drop"))
      return fail(fmt::format("{} found index {}, and there are {} rows", name,
                              index.reshape({-1})[i].item<int64_t>(), table.size(0)));
  }
  return {};
}

// The policy of put.
std::string writing(const FunctionOptions& options) {
  return options.negative.empty() ? "drop" : options.negative;
}

// The policy of take and lookup, which have no row to leave out.
std::string reading(const FunctionOptions& options) {
  return options.negative == "wrap" ? "wrap" : "error";
}

// What `put` makes of the rows of anything that has the shapes of its inputs.
at::Tensor with_rows(const at::Tensor& target, const at::Tensor& index, const at::Tensor& values) {
  at::Tensor result = target.clone();
  for (int64_t i = 0; i < index.numel(); ++i)
    if (const auto row = index[i].item<int64_t>(); row >= 0) result[row].copy_(values[i]);
  return result;
}

}  // namespace

Computed lookup(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 2, 0, "lookup"); !good) return tl::make_unexpected(good.error());
  const at::Tensor table = inputs[1].reshape({-1});
  if (auto good = check_rows(inputs[0], table, reading(options), "lookup"); !good)
    return tl::make_unexpected(good.error());
  const at::Tensor codes = rows_of(inputs[0], table, reading(options));
  return table.index_select(0, codes).reshape(inputs[0].sizes());
}

Computed take(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 2, 1, "take"); !good) return tl::make_unexpected(good.error());
  if (auto good = check_rows(inputs[1], inputs[0], reading(options), "take"); !good)
    return tl::make_unexpected(good.error());
  return inputs[0].index_select(0, rows_of(inputs[1], inputs[0], reading(options)));
}

Computed put(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 3, 1, "put"); !good) return tl::make_unexpected(good.error());
  if (auto good = check_rows(inputs[1], inputs[0], writing(options), "put"); !good)
    return tl::make_unexpected(good.error());
  const at::Tensor rows = rows_of(inputs[1], inputs[0], writing(options));
  if (inputs[2].dim() < 1 || inputs[2].size(0) != rows.numel())
    return fail(fmt::format("put has {} indices for values of shape [{}]", rows.numel(),
                            fmt::join(inputs[2].sizes(), ", ")));
  return with_rows(inputs[0], rows, inputs[2]);
}

Computed select(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 3, 0, "select"); !good) return tl::make_unexpected(good.error());
  return at::where(wide(inputs[0]).ne(0), wide(inputs[1]), wide(inputs[2]));
}

at::Tensor looked_up(Tensors numbers, Tensors inputs, const FunctionOptions& options) {
  const at::Tensor codes = rows_of(inputs[0], inputs[1].reshape({-1}), reading(options));
  return at::stack({numbers[0].reshape({-1}), numbers[1].reshape({-1}).index_select(0, codes)}, 1);
}

at::Tensor taken(Tensors numbers, Tensors inputs, const FunctionOptions& options) {
  const at::Tensor rows =
      numbers[0].index_select(0, rows_of(inputs[1], inputs[0], reading(options)));
  const int64_t count = rows.size(0), width = count == 0 ? 0 : rows.numel() / count;
  const at::Tensor index = numbers[1].reshape({-1, 1}).expand({count, width}).reshape({-1});
  return at::stack({rows.reshape({-1}), index}, 1);
}

at::Tensor put_there(Tensors numbers, Tensors inputs, const FunctionOptions& options) {
  const at::Tensor rows = rows_of(inputs[1], inputs[0], writing(options));
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
