#include "sim/models/generate.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/div.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/models/beam_search.h"
#include "sim/models/sequence.h"

namespace loadproof::sim {
namespace {

// TemperatureLogitsWarper, TopKLogitsWarper, softmax: (1, vocabulary) of float32 to probabilities.
at::Tensor probabilities(const GenerateOptions& options, at::Tensor scores) {
  if (options.temperature != 1) scores = at::div(scores, options.temperature);
  if (options.top_k > 0) {
    const int64_t kept = std::min(options.top_k, scores.size(-1));
    const at::Tensor least = std::get<0>(at::topk(scores, kept)).narrow(-1, kept - 1, 1);
    scores = scores.masked_fill(scores.lt(least), -std::numeric_limits<double>::infinity());
  }
  return at::softmax(scores, -1);
}

void count_sampled(const at::Tensor& scores, GenerateResult& result) {
  if (!scores.is_cpu()) {
    result.sampled_nan += scores.isnan().sum().item<int64_t>();
    result.sampled_inf += scores.isinf().sum().item<int64_t>();
    return;
  }
  const float* data = scores.const_data_ptr<float>();
  for (int64_t i = 0; i < scores.numel(); ++i) {
    if (std::isnan(data[i])) ++result.sampled_nan;
    if (std::isinf(data[i])) ++result.sampled_inf;
  }
}

at::Generator generator_of(const GenerateOptions& options) {
  if (options.generator.defined()) return options.generator;
  return at::make_generator<at::CPUGeneratorImpl>(options.seed);
}

bool is_end(const GenerateOptions& options, int64_t token) {
  return std::find(options.eos_tokens.begin(), options.eos_tokens.end(), token) !=
         options.eos_tokens.end();
}

// The next token, or nothing where the guard stops it.
std::optional<int64_t> choose(const GenerateOptions& options, const at::Tensor& logits,
                              at::Generator& generator, GenerateResult& result) {
  const at::Tensor scores = logits.to(at::kFloat).contiguous();
  count_sampled(scores, result);
  if (options.mode == SampleMode::kGreedy) return at::argmax(scores, -1).item<int64_t>();
  const at::Tensor probs = probabilities(options, scores);
  if (options.guard) result.guard = inspect_probabilities(probs);
  if (!result.guard) return draw(probs, generator).item<int64_t>();
  result.error = result.guard->message;
  return std::nullopt;
}

void run(const Model& model, std::span<const at::Tensor> tensors, const GenerateOptions& options,
         GenerateResult& result) {
  if (options.mode == SampleMode::kBeam) return search_beams(model, tensors, options, result);
  Sequence sequence(model, tensors, options);
  at::Tensor logits = sequence.start(options.prompt, result.prompt);
  at::Generator generator = generator_of(options);
  while (static_cast<int64_t>(result.tokens.size()) < options.new_tokens) {
    const std::optional<int64_t> token = choose(options, logits, generator, result);
    if (!token) return;
    result.tokens.push_back(*token);
    if (is_end(options, *token)) return;
    if (static_cast<int64_t>(result.tokens.size()) < options.new_tokens)
      logits = sequence.extend(*token);
  }
}

// ATen's exceptions end here.
template <typename Work>
void telling_errors(GenerateResult& result, Work work) {
  try {
    c10::InferenceMode inference;
    work();
  } catch (const c10::Error& error) {
    result.error = error.what_without_backtrace();
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  if (!result.error.empty()) result.failed_at = static_cast<int64_t>(result.tokens.size());
}

}  // namespace

GenerateResult generate(const Model& model, std::span<const at::Tensor> tensors,
                        const GenerateOptions& options) {
  GenerateResult result;
  if (options.prompt.empty() || options.new_tokens < 1 || options.beams < 1) {
    result.error = options.prompt.empty() ? "the prompt is empty" : "there is nothing to generate";
    result.failed_at = 0;
    return result;
  }
  telling_errors(result, [&] { run(model, tensors, options, result); });
  return result;
}

GenerateResult choose_tokens(const at::Tensor& logits, const GenerateOptions& options) {
  GenerateResult result;
  telling_errors(result, [&] {
    const at::Tensor rows = logits.reshape({-1, logits.size(-1)});
    result.prompt = logits_statistics(rows.unsqueeze(0));
    at::Generator generator = generator_of(options);
    for (int64_t row = 0; row < rows.size(0); ++row) {
      const auto token = choose(options, rows.narrow(0, row, 1), generator, result);
      if (!token) return;
      result.tokens.push_back(*token);
    }
  });
  return result;
}

at::Tensor sampled_logits(const Model& model, std::span<const at::Tensor> tensors,
                          const GenerateOptions& options) {
  LogitsStatistics ignored;
  return Sequence(model, tensors, options).start(options.prompt, ignored);
}

}  // namespace loadproof::sim
