#include "sim/memory/scan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace loadproof::sim {

namespace {

// How to read an element from its bits. Magnitude is the bits without the sign. All floating
// formats order NaN above inf above the finite; `nan_above` is the largest magnitude that is no
// NaN.
template <typename Lane>
struct Format {
  Lane magnitude;  // mask
  Lane nan_above;
  Lane inf;  // a magnitude; a negative value matches none
  Lane one;
};

struct Tally {
  int64_t nan = 0, inf = 0, zero = 0, one = 0;
};

// The largest number of vectors after which no lane of a counter has overflowed.
template <typename Lane>
constexpr size_t kVectorsPerFlush = sizeof(Lane) == 1 ? 127 : 4096;

namespace baseline {
#define SCAN_TARGET
#define SCAN_VECTOR_BYTES 16
#include "sim/memory/scan_kernel.inc"
#undef SCAN_TARGET
#undef SCAN_VECTOR_BYTES
}  // namespace baseline

// We choose at each call: function clones that the loader resolves would run before the sanitizers
// have started.
#if defined(__x86_64__)
namespace avx2 {
#define SCAN_TARGET [[gnu::target("arch=x86-64-v3")]]
#define SCAN_VECTOR_BYTES 32
#include "sim/memory/scan_kernel.inc"
#undef SCAN_TARGET
#undef SCAN_VECTOR_BYTES
}  // namespace avx2

namespace avx512 {
#define SCAN_TARGET [[gnu::target("arch=x86-64-v4")]]
#define SCAN_VECTOR_BYTES 64
#include "sim/memory/scan_kernel.inc"
#undef SCAN_TARGET
#undef SCAN_VECTOR_BYTES
}  // namespace avx512

template <typename Lane, bool kNanOnly>
Tally tally_with(Simd simd, const std::byte* data, size_t bytes, const Format<Lane>& format) {
  if (simd == Simd::kAvx512) return avx512::tally<Lane, kNanOnly>(data, bytes, format);
  if (simd == Simd::kAvx2) return avx2::tally<Lane, kNanOnly>(data, bytes, format);
  return baseline::tally<Lane, kNanOnly>(data, bytes, format);
}
#else
template <typename Lane, bool kNanOnly>
Tally tally_with(Simd, const std::byte* data, size_t bytes, const Format<Lane>& format) {
  return baseline::tally<Lane, kNanOnly>(data, bytes, format);
}
#endif

template <typename Lane>
constexpr Format<Lane> integer_format() {
  return {static_cast<Lane>(-1), std::numeric_limits<Lane>::max(), -1, 1};
}

// An integer's magnitude keeps its sign bit, so -1 would match inf: the caller drops inf and NaN.
bool has_nan(DType dtype) {
  switch (dtype) {
    case DType::kFloat8E4m3fn: case DType::kFloat8E5m2: case DType::kFloat16: case DType::kBFloat16:
    case DType::kFloat32: case DType::kFloat64:
      return true;
    default:
      return false;
  }
}

// IEEE 754 and bfloat16: inf is all exponent bits, one is the bias. OCP 8-bit floating point:
// e4m3fn has no inf, and only 0x7F and 0xFF are NaN; e5m2 is as IEEE.
template <bool kNanOnly>
Tally tally_dtype(const std::byte* data, size_t bytes, DType dtype, Simd simd) {
  switch (dtype) {
    case DType::kBool: case DType::kUint8: case DType::kInt8:
      return tally_with<int8_t, kNanOnly>(simd, data, bytes, integer_format<int8_t>());
    case DType::kInt16:
      return tally_with<int16_t, kNanOnly>(simd, data, bytes, integer_format<int16_t>());
    case DType::kInt32:
      return tally_with<int32_t, kNanOnly>(simd, data, bytes, integer_format<int32_t>());
    case DType::kInt64:
      return tally_with<int64_t, kNanOnly>(simd, data, bytes, integer_format<int64_t>());
    case DType::kFloat8E4m3fn:
      return tally_with<int8_t, kNanOnly>(simd, data, bytes, {0x7F, 0x7E, -1, 0x38});
    case DType::kFloat8E5m2:
      return tally_with<int8_t, kNanOnly>(simd, data, bytes, {0x7F, 0x7C, 0x7C, 0x3C});
    case DType::kFloat16:
      return tally_with<int16_t, kNanOnly>(simd, data, bytes, {0x7FFF, 0x7C00, 0x7C00, 0x3C00});
    case DType::kBFloat16:
      return tally_with<int16_t, kNanOnly>(simd, data, bytes, {0x7FFF, 0x7F80, 0x7F80, 0x3F80});
    case DType::kFloat32:
      return tally_with<int32_t, kNanOnly>(simd, data, bytes,
                                           {0x7FFFFFFF, 0x7F800000, 0x7F800000, 0x3F800000});
    case DType::kFloat64:
      return tally_with<int64_t, kNanOnly>(
          simd, data, bytes, {0x7FFFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF0000000000000,
                        0x3FF0000000000000});
  }
  return {};
}

size_t bytes_of(int64_t elements, DType dtype) {
  return static_cast<size_t>(elements) * static_cast<size_t>(item_size(dtype));
}

}  // namespace

Simd best_simd() {
#if defined(__x86_64__)
  // What tells x86-64-v3 and v4 from processors without them; not every compiler knows these names.
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
                  __builtin_cpu_supports("fma");
  if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return Simd::kAvx512;
  if (v3) return Simd::kAvx2;
#endif
  return Simd::kBaseline;
}

ElementCounts count_elements(const void* data, int64_t elements, DType dtype, Simd simd) {
  const Tally found = tally_dtype<false>(static_cast<const std::byte*>(data),
                                         bytes_of(elements, dtype), dtype, simd);
  ElementCounts counts{.elements = elements, .zero = found.zero, .one = found.one};
  if (dtype == DType::kBool) counts.one = elements - found.zero;
  if (has_nan(dtype)) {
    counts.nan = found.nan;
    counts.inf = found.inf;
  }
  return counts;
}

int64_t count_nan(const void* data, int64_t elements, DType dtype, Simd simd) {
  if (!has_nan(dtype)) return 0;
  const auto* bytes = static_cast<const std::byte*>(data);
  return tally_dtype<true>(bytes, bytes_of(elements, dtype), dtype, simd).nan;
}

// memcmp says that a chunk differs, at the speed of memory; where, a loop over that chunk alone.
std::optional<int64_t> first_difference(const void* a, const void* b, int64_t bytes) {
  constexpr size_t kChunk = 4096;
  const auto* left = static_cast<const std::byte*>(a);
  const auto* right = static_cast<const std::byte*>(b);
  const auto size = static_cast<size_t>(bytes);
  for (size_t at = 0; at < size; at += kChunk) {
    const size_t chunk = std::min(kChunk, size - at);
    if (std::memcmp(left + at, right + at, chunk) == 0) continue;
    const auto* differs = std::mismatch(left + at, left + at + chunk, right + at).first;
    return differs - left;
  }
  return std::nullopt;
}

uint64_t digest(const void* data, size_t bytes, uint64_t seed) {
  if (bytes < kDigestTreeFrom) return XXH3_64bits_withSeed(data, bytes, seed);
  return digest_of_blocks(block_digests(data, bytes), seed);
}

std::vector<uint64_t> block_digests(const void* data, size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(data);
  std::vector<uint64_t> all;
  all.reserve(bytes / kDigestBlock + 1);
  for (size_t at = 0; at < bytes; at += kDigestBlock)
    all.push_back(XXH3_64bits(begin + at, std::min(kDigestBlock, bytes - at)));
  return all;
}

uint64_t digest_of_blocks(std::span<const uint64_t> blocks, uint64_t seed) {
  return XXH3_64bits_withSeed(blocks.data(), blocks.size_bytes(), seed);
}

}  // namespace loadproof::sim
