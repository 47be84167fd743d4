// Continues a prompt as generate() of transformers 5.4.0 does, and says what it read and drew.
//
// One sequence: sampled, greedy or the best of a beam search. Nothing leaves these functions but
// their result: what ATen throws and what the sampling guard finds become its error. Deterministic:
// the draws come from a generator of the call's own, seeded by the options; all on the calling
// thread, which should use one intra-op thread.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/models/family.h"
#include "sim/models/forward.h"
#include "sim/models/sampling_guard.h"

namespace loadproof::sim {

enum class SampleMode : uint8_t { kMultinomial, kGreedy, kBeam };

struct GenerateOptions {
  std::vector<int64_t> prompt;
  int64_t new_tokens = 8;
  SampleMode mode = SampleMode::kMultinomial;
  int64_t top_k = 50;  // 0: no limit
  double temperature = 1;
  int64_t beams = 2;  // of kBeam, which always has a cache
  uint64_t seed = 99;
  bool guard = true;             // inspect_probabilities() before each draw
  at::Generator generator = {};  // of draws, where the tensors are; undefined: of `seed`, on the host
  AttentionKind attention = AttentionKind::kSdpa;
  bool use_cache = true;
  std::vector<int64_t> eos_tokens;  // generation ends after one of them
};

// Of the prompt's logits, all positions, in the model's dtype.
struct LogitsStatistics {
  int64_t elements = 0;
  int64_t nan = 0;
  int64_t inf = 0;
  // Of the last position:
  int64_t argmax = -1;     // the first of the greatest; a NaN counts as the greatest, as in torch
  bool all_equal = false;  // false where there is a NaN
  double max_prob = 0;     // the greatest of its softmax; NaN where there is a NaN
  uint64_t digest = 0;     // of the bytes of all positions
  bool operator==(const LogitsStatistics&) const = default;
};

struct GenerateResult {
  LogitsStatistics prompt;
  std::vector<int64_t> tokens;  // without the prompt
  int64_t sampled_nan = 0;      // in the rows of logits that tokens were chosen from, summed
  int64_t sampled_inf = 0;
  std::string error;                  // the real operation's text; empty: none
  int64_t failed_at = -1;             // how many tokens there were when the error came
  std::optional<GuardFinding> guard;  // where the error is the sampling's
};

// `tensors` as for forward().
GenerateResult generate(const Model& model, std::span<const at::Tensor> tensors,
                        const GenerateOptions& options);

// One token from each row of logits, (rows, vocabulary) or (vocabulary): greedy, or drawn as
// generate() does it. Of the options only those of choosing are read.
GenerateResult choose_tokens(const at::Tensor& logits, const GenerateOptions& options);

// The logits (1, vocabulary) that the first token is chosen from. What ATen throws leaves it.
at::Tensor sampled_logits(const Model& model, std::span<const at::Tensor> tensors,
                          const GenerateOptions& options);

LogitsStatistics logits_statistics(const at::Tensor& logits);  // (1, tokens, vocabulary)

}  // namespace loadproof::sim
