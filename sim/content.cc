#include "sim/content.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "sim/scalar_type.h"

namespace loadproof::sim {
namespace {

// A floating type's bits: sign, `exponent` bits with the given bias, `mantissa` bits.
struct FloatBits {
  int exponent, mantissa, bias;
};

constexpr int kExponents = 15;  // from -7 to 7
constexpr uint64_t kSpread = 2654435761;  // prime, so that it permutes any range
constexpr uint64_t kVersionStep = 977;

uint64_t float_pattern(const FloatBits& bits, uint64_t index) {
  const int used = std::min(bits.mantissa, 23);
  const uint64_t mantissas = uint64_t{1} << used;
  const uint64_t count = uint64_t{2} * kExponents * mantissas;
  const uint64_t place = index % count * (kSpread % count) % count;
  const uint64_t mantissa = place % mantissas << (bits.mantissa - used);
  const uint64_t exponent = place / mantissas % kExponents + static_cast<uint64_t>(bits.bias) - 7;
  const uint64_t sign = place / mantissas / kExponents;
  return sign << (bits.exponent + bits.mantissa) | exponent << bits.mantissa | mantissa;
}

// Never zero.
uint64_t pattern(DType dtype, uint64_t index) {
  switch (dtype) {
    case DType::kBool: return index % 2;
    case DType::kUint8: case DType::kInt8: return 1 + index % 127;
    case DType::kInt16: return 1 + index % std::numeric_limits<int16_t>::max();
    case DType::kInt32: case DType::kInt64:
      return 1 + index % std::numeric_limits<int32_t>::max();
    case DType::kFloat8E4m3fn: case DType::kFloat8E5m2: return 8 + index % 100;
    case DType::kFloat16: return float_pattern({5, 10, 15}, index);
    case DType::kBFloat16: return float_pattern({8, 7, 127}, index);
    case DType::kFloat32: return float_pattern({8, 23, 127}, index);
    case DType::kFloat64: return float_pattern({11, 52, 1023}, index);
  }
  return 0;
}

}  // namespace

at::Tensor unique_content(const TensorSpec& spec, int64_t first, int64_t version) {
  if (spec.value) {
    at::Tensor value = formula_content(spec);
    return version == 0 ? value : value.add_(version);
  }
  at::Tensor value = at::empty(spec.shape, at::TensorOptions(scalar_type(spec.dtype)));
  auto* data = static_cast<std::byte*>(value.data_ptr());
  const auto item = static_cast<size_t>(item_size(spec.dtype));
  for (int64_t i = 0; i < value.numel(); ++i) {
    const uint64_t bits = pattern(spec.dtype, static_cast<uint64_t>(first + i) +
                                                  kVersionStep * static_cast<uint64_t>(version));
    std::memcpy(data + static_cast<size_t>(i) * item, &bits, item);  // little endian
  }
  return value;
}

at::Tensor formula_content(const TensorSpec& spec) {
  at::Tensor value = at::empty(spec.shape, at::TensorOptions(at::kDouble));
  auto* data = value.data_ptr<double>();
  for (int64_t i = 0; i < value.numel(); ++i) data[i] = spec.value->at(i, value.numel());
  return value.to(scalar_type(spec.dtype));
}

}  // namespace loadproof::sim
