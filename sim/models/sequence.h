// One sequence that grows: runs the forward pass over what is new, or over all of it where there is
// no cache. For generate.cc; what ATen throws leaves these functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "sim/models/generate.h"

namespace loadproof::sim {

class Sequence {
 public:
  Sequence(const Model& model, std::span<const at::Tensor> tensors, const GenerateOptions& options)
      : model_(model), tensors_(tensors), options_(options) {}

  // Both give the logits (1, vocabulary) of the last token.
  at::Tensor start(const std::vector<int64_t>& prompt, LogitsStatistics& statistics);
  at::Tensor extend(int64_t token);

 private:
  at::Tensor last_logits(const at::Tensor& hidden) const;

  const Model& model_;
  std::span<const at::Tensor> tensors_;
  const GenerateOptions& options_;
  std::vector<int64_t> ids_;
  std::vector<int64_t> mask_;  // empty: all tokens are real
  KvCache cache_;
};

}  // namespace loadproof::sim
