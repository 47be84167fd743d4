#include "sim/models/initialise.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/bitwise_and.h>
#include <ATen/ops/bitwise_not.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "sim/scalar_type.h"

namespace loadproof::sim {
namespace {

bool ends_with(const std::string& text, std::string_view end) {
  return std::string_view(text).ends_with(end);
}

// _compute_llama3_parameters of transformers' modeling_rope_utils.
at::Tensor llama3(const at::Tensor& plain, const RopeParameters& rope) {
  const auto context = static_cast<double>(rope.original_positions);
  const double long_wave = context / rope.low_freq_factor;
  const double short_wave = context / rope.high_freq_factor;
  const at::Tensor wave = at::mul(at::reciprocal(plain), 2 * std::numbers::pi);
  const at::Tensor scaled = at::where(wave.gt(long_wave), at::div(plain, rope.factor), plain);
  const at::Tensor smooth =
      at::div(at::mul(at::reciprocal(wave), context).sub_(rope.low_freq_factor),
              rope.high_freq_factor - rope.low_freq_factor);
  const at::Tensor mixed = at::div(at::mul(smooth.mul(-1.0).add_(1.0), scaled), rope.factor)
                               .add_(at::mul(smooth, scaled));
  const at::Tensor medium =
      at::bitwise_and(at::bitwise_not(wave.lt(short_wave)), at::bitwise_not(wave.gt(long_wave)));
  return at::where(medium, mixed, scaled);
}

at::Tensor inverse_frequencies(int64_t dim, const RopeParameters& rope) {
  const at::Tensor exponents =
      at::div(at::arange(0, dim, 2, at::kLong).to(at::kFloat), static_cast<double>(dim));
  const at::Tensor plain = at::reciprocal(at::pow(rope.theta, exponents));
  switch (rope.type) {
    case RopeType::kDefault:
      return plain;
    case RopeType::kLinear:
      return at::div(plain, rope.factor);
    case RopeType::kLlama3:
      return llama3(plain, rope);
  }
  return plain;
}

}  // namespace

Result<at::Tensor> analytic_value(const Model& model, const TensorSpec& spec) {
  const ModelConfig& config = model.config;
  if (spec.init.kind != InitKind::kAnalytic)
    return fail(fmt::format("{} is no formula of the config", spec.name));
  if (ends_with(spec.name, "embed_scale"))
    return at::scalar_tensor(std::sqrt(static_cast<double>(config.hidden_size)),
                             at::TensorOptions(scalar_type(spec.dtype)));
  const bool sliding = spec.name.find("sliding_attention_") != std::string::npos;
  const RopeParameters& rope = sliding && config.rope_sliding ? *config.rope_sliding : config.rope;
  return inverse_frequencies(config.head_dim, rope);
}

bool write_initial_value(const Model& model, const TensorSpec& spec, at::Tensor& destination,
                         at::Generator& generator) {
  switch (spec.init.kind) {
    case InitKind::kNone:
      return false;
    case InitKind::kZeros:
      destination.zero_();
      return true;
    case InitKind::kOnes:
      destination.fill_(1);
      return true;
    case InitKind::kNormal:
      destination.normal_(0, spec.init.std, generator);
      break;
    case InitKind::kAnalytic:
      destination.copy_(analytic_value(model, spec).value());
      return true;
  }
  const std::optional<int64_t> pad = model.config.pad_token;
  const bool embedding = ends_with(spec.module_type, "Embedding");
  if (embedding && model.family->pads_embedding && pad && *pad >= 0 && *pad < spec.shape[0])
    destination.select(0, *pad).zero_();
  return true;
}

}  // namespace loadproof::sim
