#include "sim/models/sampling_guard.h"

#include <ATen/ops/logical_or.h>
#include <ATen/ops/multinomial.h>

#include <cmath>

namespace loadproof::sim {
namespace {

// ATen/native/Distributions.cpp: multinomial_out, the path of one sample.
constexpr std::string_view kInvalidElement =
    "probability tensor contains either `inf`, `nan` or element < 0";
constexpr std::string_view kInvalidSum =
    "invalid multinomial distribution (sum of probabilities <= 0)";

struct Tally {
  int64_t count = 0;
  int64_t first = -1;
  void note(int64_t index) {
    if (count++ == 0) first = index;
  }
};

GuardFinding finding(GuardKind kind, const Tally& tally, std::string_view message) {
  return {.kind = kind,
          .count = tally.count,
          .first_index = tally.first,
          .message = std::string(message)};
}

// Whether there is something to find, in one number.
bool is_suspicious(const at::Tensor& values) {
  const at::Tensor bad = at::logical_or(values.isfinite().logical_not(), values.lt(0));
  return at::logical_or(bad.any(), values.sum(-1).eq(0).any()).item<bool>();
}

}  // namespace

std::string_view name(GuardKind kind) {
  switch (kind) {
    case GuardKind::kNan:
      return "nan";
    case GuardKind::kInf:
      return "inf";
    case GuardKind::kNegative:
      return "negative";
    case GuardKind::kZeroSum:
      return "zero_sum";
  }
  return "";
}

std::optional<GuardFinding> inspect_probabilities(const at::Tensor& probabilities) {
  if (!probabilities.is_cpu() && probabilities.numel() > 0 && !is_suspicious(probabilities))
    return std::nullopt;
  const at::Tensor values = probabilities.to(at::kCPU, at::kFloat).contiguous();
  const int64_t columns = values.size(-1);
  const float* data = values.const_data_ptr<float>();
  Tally nan, inf, negative, zero;
  for (int64_t row = 0; columns > 0 && row < values.numel() / columns; ++row) {
    double sum = 0;
    for (int64_t i = row * columns; i < (row + 1) * columns; ++i) {
      if (std::isnan(data[i]))
        nan.note(i);
      else if (std::isinf(data[i]))
        inf.note(i);
      else if (data[i] < 0)
        negative.note(i);
      sum += static_cast<double>(data[i]);
    }
    if (sum == 0) zero.note(row);
  }
  if (nan.count > 0) return finding(GuardKind::kNan, nan, kInvalidElement);
  if (inf.count > 0) return finding(GuardKind::kInf, inf, kInvalidElement);
  if (negative.count > 0) return finding(GuardKind::kNegative, negative, kInvalidElement);
  if (zero.count > 0) return finding(GuardKind::kZeroSum, zero, kInvalidSum);
  return std::nullopt;
}

at::Tensor draw(const at::Tensor& probabilities, const at::Generator& generator) {
  return at::multinomial(probabilities, 1, /*replacement=*/false, generator);
}

}  // namespace loadproof::sim
