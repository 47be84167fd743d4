// Functions of `apply` in which an element of the result depends on many.
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "sim/steps/function_parts.h"

namespace loadproof::sim::parts {
namespace {

// All inputs as one row, or one input with the dimension to go along at its end.
at::Tensor to_reduce(Tensors inputs, const FunctionOptions& options) {
  if (options.dim) return wide(inputs[0]).movedim(*options.dim, -1);
  std::vector<at::Tensor> rows;
  for (const at::Tensor& one : inputs) rows.push_back(wide(one).reshape({-1}));
  return at::cat(rows);
}

template <typename Reduce>
Computed reduced(Tensors inputs, const FunctionOptions& options, std::string_view name,
                 Reduce reduce) {
  if (options.dim)
    if (auto good = wants(inputs, 1, *options.dim + 1, name); !good)
      return tl::make_unexpected(good.error());
  return reduce(to_reduce(inputs, options));
}

// The rows of the second input that masked_sum reads: those of a weight other than 0, or all.
at::Tensor rows_of_weight(const at::Tensor& weights, std::string_view mask) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < weights.size(0); ++row)
    if (mask == "multiply" || weights[row].item<double>() != 0) rows.push_back(row);
  return at::tensor(rows, at::kLong);
}

}  // namespace

Result<void> wants(Tensors inputs, size_t count, int64_t dimensions, std::string_view name) {
  if (inputs.size() != count)
    return fail(fmt::format("{} takes {} and was given {} tensors", name, count, inputs.size()));
  if (inputs[0].dim() < dimensions)
    return fail(fmt::format("{} needs {} dimensions and was given shape [{}]", name, dimensions,
                            fmt::join(inputs[0].sizes(), ", ")));
  return {};
}

at::Tensor wide(const at::Tensor& value) {
  return c10::isFloat8Type(value.scalar_type()) ? value.to(at::kFloat) : value;
}

Computed matmul(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 2, 2, "matmul"); !good) return tl::make_unexpected(good.error());
  if (inputs[0].dim() != 2 || inputs[1].dim() != 2 || inputs[0].size(1) != inputs[1].size(0))
    return fail(fmt::format("matmul takes [n, k] and [k, m], not [{}] and [{}]",
                            fmt::join(inputs[0].sizes(), ", "),
                            fmt::join(inputs[1].sizes(), ", ")));
  return wide(inputs[0]).matmul(wide(inputs[1]));
}

Computed sum(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "sum", [](const at::Tensor& x) { return x.sum(-1); });
}

Computed mean(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "mean", [](const at::Tensor& x) { return x.mean(-1); });
}

Computed max(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "max", [](const at::Tensor& x) { return x.amax(-1); });
}

Computed min(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "min", [](const at::Tensor& x) { return x.amin(-1); });
}

Computed prod(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "prod", [](const at::Tensor& x) { return x.prod(-1); });
}

Computed norm(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "norm",
                 [](const at::Tensor& x) { return x.square().sum(-1).sqrt(); });
}

Computed argmax(Tensors inputs, const FunctionOptions& options) {
  return reduced(inputs, options, "argmax", [](const at::Tensor& x) { return x.argmax(-1); });
}

Computed softmax(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 1, 1, "softmax"); !good) return tl::make_unexpected(good.error());
  return wide(inputs[0]).softmax(-1);
}

Computed masked_sum(Tensors inputs, const FunctionOptions& options) {
  auto good = wants(inputs, 2, 1, "masked_sum");
  if (!good) return tl::make_unexpected(good.error());
  if (inputs[0].dim() != 1 || inputs[1].dim() != 2 || inputs[0].size(0) != inputs[1].size(0))
    return fail(fmt::format("masked_sum takes weights [n] and values [n, d], not [{}] and [{}]",
                            fmt::join(inputs[0].sizes(), ", "),
                            fmt::join(inputs[1].sizes(), ", ")));
  const at::Tensor rows = rows_of_weight(inputs[0], options.mask);
  return inputs[0].index_select(0, rows).unsqueeze(1).mul(inputs[1].index_select(0, rows)).sum(0);
}

at::Tensor row_and_column(Tensors numbers, Tensors, const FunctionOptions&) {
  const int64_t n = numbers[0].size(0), k = numbers[0].size(1), m = numbers[1].size(1);
  const at::Tensor rows = numbers[0].unsqueeze(1).expand({n, m, k});
  const at::Tensor columns = numbers[1].transpose(0, 1).unsqueeze(0).expand({n, m, k});
  return at::cat({rows, columns}, 2).reshape({n * m, 2 * k});
}

at::Tensor along(Tensors numbers, Tensors, const FunctionOptions& options) {
  const at::Tensor row = to_reduce(numbers, options);
  return row.reshape({-1, row.size(-1)});
}

at::Tensor whole_row(Tensors numbers, Tensors, const FunctionOptions&) {
  const int64_t length = numbers[0].size(-1);
  return numbers[0].reshape({-1, 1, length}).expand({-1, length, length}).reshape({-1, length});
}

at::Tensor masked_rows(Tensors numbers, Tensors inputs, const FunctionOptions& options) {
  const at::Tensor rows = rows_of_weight(inputs[0], options.mask);
  const int64_t width = numbers[1].size(1);
  const at::Tensor values = numbers[1].index_select(0, rows).transpose(0, 1);  // (width, rows)
  const at::Tensor weights = numbers[0].reshape({1, -1}).expand({width, numbers[0].size(0)});
  return at::cat({weights, values}, 1);
}

}  // namespace loadproof::sim::parts
