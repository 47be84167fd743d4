#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "sim/models/generate.h"

namespace loadproof::sim {
namespace {

// FNV-1a over words of 8 bytes, with the length first.
uint64_t digest_of(const void* data, size_t bytes) {
  constexpr uint64_t kPrime = 0x100000001b3;
  uint64_t hash = (0xcbf29ce484222325 ^ bytes) * kPrime;
  const auto* from = static_cast<const unsigned char*>(data);
  for (size_t at = 0; at < bytes; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, from + at, std::min<size_t>(8, bytes - at));
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 32;
  }
  return hash;
}

template <typename T>
void count_all(const T* values, LogitsStatistics& result) {
  for (int64_t i = 0; i < result.elements; ++i) {
    const auto value = static_cast<double>(values[i]);
    if (std::isnan(value)) ++result.nan;
    if (std::isinf(value)) ++result.inf;
  }
}

template <typename T>
void look_at_last(const T* values, int64_t count, LogitsStatistics& result) {
  double greatest = -std::numeric_limits<double>::infinity();
  result.all_equal = true;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(values[i]);
    if (!(value == static_cast<double>(values[0]))) result.all_equal = false;
    if (std::isnan(greatest)) continue;
    if (result.argmax < 0 || value > greatest || std::isnan(value)) {
      greatest = value;
      result.argmax = i;
    }
  }
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(values[i]) - greatest);
  result.max_prob = 1 / sum;
}

template <typename T>
void look(const at::Tensor& logits, LogitsStatistics& result) {
  const T* values = logits.const_data_ptr<T>();
  const int64_t columns = logits.size(-1);
  result.elements = logits.numel();
  result.digest = digest_of(values, static_cast<size_t>(logits.numel()) * sizeof(T));
  count_all(values, result);
  if (columns > 0 && logits.numel() > 0)
    look_at_last(values + logits.numel() - columns, columns, result);
}

}  // namespace

LogitsStatistics logits_statistics(const at::Tensor& logits) {
  const at::Tensor values = logits.to(at::kCPU).contiguous();
  LogitsStatistics result;
  switch (values.scalar_type()) {
    case at::kHalf:
      look<c10::Half>(values, result);
      break;
    case at::kBFloat16:
      look<c10::BFloat16>(values, result);
      break;
    case at::kDouble:
      look<double>(values, result);
      break;
    default:
      look<float>(values.to(at::kFloat), result);
      break;
  }
  return result;
}

}  // namespace loadproof::sim
