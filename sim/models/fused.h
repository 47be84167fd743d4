// Kernels of our own for the many small steps of a small model, where an ATen operation costs more
// than its arithmetic.
//
// Each repeats what a chain of ATen operations computes, with a rounding to the tensors' dtype
// wherever the chain has one. Sums run over eight lanes in one fixed order, whatever the CPU, so
// that results do not depend on the machine. Each gives an undefined tensor where it does not apply
// (not on CPU, another dtype, strides it does not know, too large): then the chain itself must run.
// Outputs come from ATen's allocator, as those of the chain do.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace loadproof::sim {

// x / sqrt(mean(x^2) + eps) over the last dimension in float32. Plain: cast, then times the weight.
// `one_plus`: times (1 + weight) in float32, then cast.
at::Tensor fused_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool one_plus);

// x * cos + rotate_half(x) * sin, for x (batch, heads, tokens, dim) and cos, sin (batch or 1, 1,
// tokens, dim). The result lies in memory as (batch, tokens, heads, dim).
at::Tensor fused_rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);

// at::linear of bfloat16 tensors: products and sums in float32, one rounding at the end. ATen's own
// goes through a library that spends more time on looking up its kernel. Not for float16, whose
// results would differ from the real ones in the last bit.
at::Tensor fused_linear(const at::Tensor& x, const at::Tensor& weight,
                        const std::optional<at::Tensor>& bias);

}  // namespace loadproof::sim
