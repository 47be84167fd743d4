// Functions of `apply` that go element by element.
#include <ATen/ops/broadcast_tensors.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/stack.h>
#include <fmt/ranges.h>

#include "sim/steps/function_parts.h"

namespace loadproof::sim::parts {
namespace {

template <typename Combine>
at::Tensor combined(Tensors inputs, Combine combine) {
  at::Tensor all = wide(inputs[0]);
  for (const at::Tensor& one : inputs.subspan(1)) all = combine(all, wide(one));
  return all;
}

template <typename Operation>
Computed one_by_one(Tensors inputs, std::string_view name, Operation operation) {
  if (auto good = wants(inputs, 1, 0, name); !good) return tl::make_unexpected(good.error());
  return operation(wide(inputs[0]));
}

// One element a block of a grid over the dimensions, the last blocks of which may be short.
at::Tensor in_grid(const at::Tensor& second, const at::Tensor& first,
                   const std::vector<int64_t>& block) {
  at::Tensor spread = second;
  for (int64_t d = 0; d < first.dim(); ++d) {
    const int64_t blocks = second.size(d), extent = first.size(d);
    if (blocks == 0) return {};
    const int64_t length = block.empty() ? (extent + blocks - 1) / blocks
                                         : block[static_cast<size_t>(d)];
    if (length < 1 || length * blocks < extent) return {};
    spread = spread.repeat_interleave(length, d).narrow(d, 0, extent);
  }
  return spread;
}

// The second input in a shape that can be broadcast to the first's; undefined: there is none.
at::Tensor in_blocks(const at::Tensor& second, const at::Tensor& first,
                     const FunctionOptions& options) {
  const bool as_many = second.dim() == first.dim();
  if (!options.block.empty() && (!as_many || options.block.size() !=
                                                 static_cast<size_t>(first.dim())))
    return {};
  bool fits = second.dim() <= first.dim() && options.block.empty();
  for (int64_t d = 1; fits && d <= second.dim(); ++d)
    fits = second.size(-d) == 1 || second.size(-d) == first.size(-d);
  if (fits) return second;
  if (as_many && first.dim() > 1) return in_grid(second, first, options.block);
  const int64_t blocks = second.numel();
  if (blocks == 0 || first.numel() % blocks != 0) return {};
  return second.reshape({blocks, 1})
      .expand({blocks, first.numel() / blocks})
      .reshape(first.sizes());
}

template <typename Operation>
Computed by_scale(Tensors inputs, const FunctionOptions& options, std::string_view name,
                  Operation operation) {
  if (auto good = wants(inputs, 2, 0, name); !good) return tl::make_unexpected(good.error());
  const at::Tensor scale = in_blocks(wide(inputs[1]), inputs[0], options);
  if (!scale.defined())
    return fail(fmt::format("a scale of shape [{}] cannot go over shape [{}]",
                            fmt::join(inputs[1].sizes(), ", "),
                            fmt::join(inputs[0].sizes(), ", ")));
  return operation(wide(inputs[0]).to(at::kFloat), scale);
}

at::Tensor side_by_side(const std::vector<at::Tensor>& parents) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& one : at::broadcast_tensors(parents)) flat.push_back(one.reshape({-1}));
  return at::stack(flat, 1);
}

}  // namespace

Computed add(Tensors inputs, const FunctionOptions& options) {
  return combined(inputs, [](auto& a, auto b) { return a.add(b); })
      .add(options.constant.value_or(0));
}

Computed sub(Tensors inputs, const FunctionOptions& options) {
  return combined(inputs, [](auto& a, auto b) { return a.sub(b); })
      .sub(options.constant.value_or(0));
}

Computed mul(Tensors inputs, const FunctionOptions& options) {
  return combined(inputs, [](auto& a, auto b) { return a.mul(b); })
      .mul(options.constant.value_or(1));
}

Computed div(Tensors inputs, const FunctionOptions& options) {
  return combined(inputs, [](auto& a, auto b) { return a.div(b); })
      .div(options.constant.value_or(1));
}

Computed mod(Tensors inputs, const FunctionOptions& options) {
  const at::Tensor rest = combined(inputs, [](auto& a, auto b) { return a.remainder(b); });
  return options.constant ? rest.remainder(*options.constant) : rest;
}

Computed minimum(Tensors inputs, const FunctionOptions& options) {
  const at::Tensor least = combined(inputs, [](auto& a, auto b) { return at::minimum(a, b); });
  return options.constant ? least.clamp_max(*options.constant) : least;
}

Computed maximum(Tensors inputs, const FunctionOptions& options) {
  const at::Tensor most = combined(inputs, [](auto& a, auto b) { return at::maximum(a, b); });
  return options.constant ? most.clamp_min(*options.constant) : most;
}

Computed neg(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "neg", [](const at::Tensor& x) { return x.neg(); });
}

Computed exp(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "exp", [](const at::Tensor& x) { return x.exp(); });
}

Computed log(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "log", [](const at::Tensor& x) { return x.log(); });
}

Computed abs(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "abs", [](const at::Tensor& x) { return x.abs(); });
}

Computed sqrt(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "sqrt", [](const at::Tensor& x) { return x.sqrt(); });
}

Computed reciprocal(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "reciprocal", [](const at::Tensor& x) { return x.reciprocal(); });
}

Computed round(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "round", [](const at::Tensor& x) { return x.round(); });
}

Computed floor(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "floor", [](const at::Tensor& x) { return x.floor(); });
}

Computed cos(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "cos", [](const at::Tensor& x) { return x.cos(); });
}

Computed sin(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "sin", [](const at::Tensor& x) { return x.sin(); });
}

Computed neg_exp(Tensors inputs, const FunctionOptions&) {
  return one_by_one(inputs, "neg_exp", [](const at::Tensor& x) { return x.exp().neg(); });
}

Computed nan_to_num(Tensors inputs, const FunctionOptions& options) {
  return one_by_one(inputs, "nan_to_num", [&](const at::Tensor& x) {
    return x.nan_to_num(options.constant.value_or(0));
  });
}

Computed quantise(Tensors inputs, const FunctionOptions& options) {
  return by_scale(inputs, options, "quantise", [](const at::Tensor& x, const at::Tensor& scale) {
    return x.div(scale).round();
  });
}

Computed dequantise(Tensors inputs, const FunctionOptions& options) {
  return by_scale(inputs, options, "dequantise",
                  [](const at::Tensor& x, const at::Tensor& scale) { return x.mul(scale); });
}

at::Tensor same_element(Tensors numbers, Tensors, const FunctionOptions&) {
  return side_by_side({numbers.begin(), numbers.end()});
}

at::Tensor same_block(Tensors numbers, Tensors, const FunctionOptions& options) {
  return side_by_side({numbers[0], in_blocks(numbers[1], numbers[0], options)});
}

}  // namespace loadproof::sim::parts
