// The parts that families share: one function each, from tensors to a tensor. Each names the module
// of the real library whose operations it repeats. For the forward pass alone.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>

#include "sim/models/family.h"
#include "sim/models/forward.h"

namespace loadproof::sim {

using Tensors = std::span<const at::Tensor>;

inline const at::Tensor& weight(Tensors tensors, int at) {
  return tensors[static_cast<size_t>(at)];
}

// nn.Linear; Conv1D where `transposed`, whose weight is (in, out).
at::Tensor linear(Tensors tensors, WeightAt at, const at::Tensor& x, bool transposed = false);
at::Tensor activate(Activation activation, const at::Tensor& x);
at::Tensor normalise(const Model& model, Tensors tensors, WeightAt at, const at::Tensor& x);
// x / cap, tanh, times cap.
at::Tensor soft_cap(const at::Tensor& x, double cap);

// cos and sin of positions times frequencies: (batch or 1, tokens, head_dim) in the model's dtype.
struct Rotation {
  at::Tensor cos, sin;
};
Rotation rotation(const at::Tensor& inverse_frequencies, const at::Tensor& positions,
                  at::ScalarType dtype);
// apply_rotary_pos_emb, of (batch, heads, tokens, head_dim).
at::Tensor rotate(const at::Tensor& x, const Rotation& rotation);

// What a layer's queries may look at. `allowed` is (batch, 1, queries, keys) of bool; undefined:
// scaled_dot_product_attention needs none, for all is causal or there is one query.
struct AttentionMask {
  at::Tensor allowed;
  at::Tensor additive;  // the same for eager attention, as 0 and the least value of the dtype
};
AttentionMask attention_mask(const ForwardInput& input, const KvCache::Layer* cached,
                             int64_t window, at::ScalarType dtype);

// q, k, v: (batch, heads or key-value heads, tokens, head_dim). The result: (batch, tokens, heads *
// head_dim).
struct AttentionOptions {
  AttentionKind kind = AttentionKind::kSdpa;
  double scale = 1;
  std::optional<double> softcap;  // eager only, as in the real library
  bool softmax_in_float = true;   // eager: GPT-2 has it in the model's dtype
  bool upcast = false;            // eager: scores in float32 from the start
  bool grouped = true;            // the module declares key-value groups
};
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const AttentionMask& mask, const AttentionOptions& options);

// The whole MLP block of a layer, experts included: (batch, tokens, hidden).
at::Tensor mlp(const Model& model, Tensors tensors, const LayerAt& at, const at::Tensor& x);
at::Tensor gated_mlp(const Model& model, Tensors tensors, const LayerAt& at, const at::Tensor& x);
at::Tensor experts_mlp(const Model& model, Tensors tensors, const LayerAt& at, const at::Tensor& x);

}  // namespace loadproof::sim
