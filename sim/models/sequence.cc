#include "sim/models/sequence.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

namespace loadproof::sim {
namespace {

// (1, count) int64 over the vector's own memory, which must outlive the tensor.
at::Tensor row(std::vector<int64_t>& values, size_t from = 0) {
  return at::from_blob(values.data() + from, {1, static_cast<int64_t>(values.size() - from)},
                       at::TensorOptions(at::kLong));
}

bool contains(const std::vector<int64_t>& values, int64_t wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

}  // namespace

// generate() asks lm_head for the last position alone, and a product of one row may round otherwise
// than the same row of a larger product.
at::Tensor Sequence::last_logits(const at::Tensor& hidden) const {
  return forward_head(model_, tensors_, hidden.narrow(1, hidden.size(1) - 1, 1)).select(1, 0);
}

at::Tensor Sequence::start(const std::vector<int64_t>& prompt, LogitsStatistics& statistics) {
  ids_ = prompt;
  ForwardInput input{
      .ids = row(ids_), .mask = {}, .cache = nullptr, .attention = options_.attention};
  // _prepare_attention_mask_for_generation: padding tokens in the prompt are masked, unless they
  // may also end it.
  const std::optional<int64_t> pad = model_.config.pad_token;
  if (pad && contains(ids_, *pad) && !contains(model_.config.eos_tokens, *pad)) {
    statistics = logits_statistics(forward(model_, tensors_, input));
    for (int64_t id : ids_) mask_.push_back(id == *pad ? 0 : 1);
    input.mask = row(mask_);
  }
  if (options_.use_cache) input.cache = &cache_;
  const at::Tensor hidden = forward_hidden(model_, tensors_, input);
  if (mask_.empty()) statistics = logits_statistics(forward_head(model_, tensors_, hidden));
  return last_logits(hidden);
}

at::Tensor Sequence::extend(int64_t token) {
  ids_.push_back(token);
  if (!mask_.empty()) mask_.push_back(1);
  ForwardInput input{.ids = row(ids_, options_.use_cache ? ids_.size() - 1 : 0),
                     .mask = {},
                     .cache = options_.use_cache ? &cache_ : nullptr,
                     .attention = options_.attention};
  if (!mask_.empty()) input.mask = row(mask_);
  return last_logits(forward_hidden(model_, tensors_, input));
}

}  // namespace loadproof::sim
