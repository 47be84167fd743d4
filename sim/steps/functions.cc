#include "sim/steps/functions.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include "sim/check.h"

namespace loadproof::sim {
namespace {

Result<void> wants(Tensors inputs, size_t count, int64_t dimensions, std::string_view name) {
  if (inputs.size() != count)
    return fail(fmt::format("{} takes {} and was given {} tensors", name, count, inputs.size()));
  if (inputs[0].dim() < dimensions)
    return fail(fmt::format("{} needs {} dimensions and was given shape [{}]", name, dimensions,
                            fmt::join(inputs[0].sizes(), ", ")));
  return {};
}

Result<at::Tensor> add(Tensors inputs, const FunctionOptions& options) {
  at::Tensor sum = inputs[0];
  for (const at::Tensor& one : inputs.subspan(1)) sum = sum.add(one);
  return sum.add(options.constant.value_or(0));
}

Result<at::Tensor> mul(Tensors inputs, const FunctionOptions& options) {
  at::Tensor product = inputs[0];
  for (const at::Tensor& one : inputs.subspan(1)) product = product.mul(one);
  return product.mul(options.constant.value_or(1));
}

Result<at::Tensor> neg_exp(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 1, 0, "neg_exp"); !good) return tl::make_unexpected(good.error());
  return inputs[0].exp().neg();
}

Result<at::Tensor> transpose(Tensors inputs, const FunctionOptions&) {
  if (auto good = wants(inputs, 1, 2, "transpose"); !good) return tl::make_unexpected(good.error());
  return inputs[0].transpose(0, 1).contiguous();
}

// As the conversion scripts of Llama: halves of each head become pairs.
Result<at::Tensor> rope_permute(Tensors inputs, const FunctionOptions& options) {
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

Result<at::Tensor> stack(Tensors inputs, const FunctionOptions&) {
  return at::stack(at::TensorList(inputs.data(), inputs.size()));
}

Result<at::Tensor> concat(Tensors inputs, const FunctionOptions&) {
  return at::cat(at::TensorList(inputs.data(), inputs.size()));
}

Result<at::Tensor> split(Tensors inputs, const FunctionOptions& options) {
  if (auto good = wants(inputs, 1, 1, "split"); !good) return tl::make_unexpected(good.error());
  const int64_t rows = inputs[0].size(0);
  if (options.parts < 1 || rows % options.parts != 0 || options.part >= options.parts)
    return fail(fmt::format("split has no part {} of {} in {} rows", options.part, options.parts,
                            rows));
  const int64_t each = rows / options.parts;
  return inputs[0].narrow(0, options.part * each, each).contiguous();
}

at::Tensor flat(Tensors inputs) {
  std::vector<at::Tensor> rows;
  for (const at::Tensor& one : inputs) rows.push_back(one.reshape({-1}));
  return at::cat(rows);
}

Result<at::Tensor> sum(Tensors inputs, const FunctionOptions&) { return flat(inputs).sum(); }
Result<at::Tensor> mean(Tensors inputs, const FunctionOptions&) { return flat(inputs).mean(); }
Result<at::Tensor> max(Tensors inputs, const FunctionOptions&) { return flat(inputs).max(); }

Result<at::Tensor> masked_sum(Tensors inputs, const FunctionOptions& options) {
  auto good = wants(inputs, 2, 1, "masked_sum");
  if (!good) return tl::make_unexpected(good.error());
  if (inputs[0].dim() != 1 || inputs[1].dim() != 2 || inputs[0].size(0) != inputs[1].size(0))
    return fail(fmt::format("masked_sum takes weights [n] and values [n, d], not [{}] and [{}]",
                            fmt::join(inputs[0].sizes(), ", "),
                            fmt::join(inputs[1].sizes(), ", ")));
  const at::Tensor rows = at::tensor(rows_of_weight(inputs[0], options.mask), at::kLong);
  return inputs[0].index_select(0, rows).unsqueeze(1).mul(inputs[1].index_select(0, rows)).sum(0);
}

using enum Dependence;
constexpr Function kTable[] = {
    {"add", kElements, add},
    {"mul", kElements, mul},
    {"neg_exp", kElements, neg_exp},
    {"transpose", kMoves, transpose},
    {"rope_permute", kMoves, rope_permute},
    {"stack", kMoves, stack},
    {"concat", kMoves, concat},
    {"split", kMoves, split},
    {"sum", kReduction, sum},
    {"mean", kReduction, mean},
    {"max", kReduction, max},
    {"masked_sum", kReduction, masked_sum},
};

}  // namespace

const Function& function_named(std::string_view name) {
  for (const Function& function : kTable)
    if (function.name == name) return function;
  SIM_CHECK(false, "{} is no function", name);
}

std::vector<int64_t> rows_of_weight(const at::Tensor& weights, std::string_view mask) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < weights.size(0); ++row)
    if (mask == "multiply" || weights[row].item<double>() != 0) rows.push_back(row);
  return rows;
}

}  // namespace loadproof::sim
