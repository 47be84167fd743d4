// The forward pass of a described model, from token ids to logits, in ATen.
//
// It follows transformers 5.4.0 operation by operation, with the same casts, kernels and masks, so
// that results are equal to its own bit for bit where the same machine code runs. Values just flow:
// NaN weights and meta tensors are not looked for. What ATen throws leaves these functions (a shape
// that does not fit, a token out of range); the caller catches it. One thread; run it under
// c10::InferenceMode.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/models/family.h"

namespace loadproof::sim {

enum class AttentionKind : uint8_t {
  kSdpa,   // at::scaled_dot_product_attention, the library's default; hides some NaN
  kEager,  // matmul, softmax in float32, matmul
};

// Keys and values of the tokens seen so far. Sliding layers keep the last window - 1 of them. A
// plain value: a copy shares tensors that are never written again.
struct KvCache {
  struct Layer {
    at::Tensor keys, values;  // (batch, key-value heads, kept tokens, head_dim); undefined: none
    int64_t seen = 0;         // tokens, the dropped ones included
  };
  std::vector<Layer> layers;
};

struct ForwardInput {
  at::Tensor ids;  // (batch, tokens) int64
  // (batch, tokens seen so far + tokens), not zero where a token is real. With it, positions count
  // the real tokens alone, as generate() of the real library does; padding has position 0.
  std::optional<at::Tensor> mask;
  KvCache* cache = nullptr;  // may be empty at first; grows by `tokens`
  AttentionKind attention = AttentionKind::kSdpa;
};

// `tensors` are in the order of model.tensors; a tied entry holds the tensor it is tied to.
// The logits: (batch, tokens, vocabulary), in the dtype of the weights.
at::Tensor forward(const Model& model, std::span<const at::Tensor> tensors,
                   const ForwardInput& input);

// The two halves of forward(): (batch, tokens, hidden) after the last norm, and the logits of it.
at::Tensor forward_hidden(const Model& model, std::span<const at::Tensor> tensors,
                          const ForwardInput& input);
at::Tensor forward_head(const Model& model, std::span<const at::Tensor> tensors,
                        const at::Tensor& hidden);

}  // namespace loadproof::sim
