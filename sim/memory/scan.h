// What is in raw element bytes, told at the speed of memory: counts of NaN, inf, zero and one, the
// first difference of two buffers, a digest.
//
// Pure functions over bytes that the caller owns; `data` need not be aligned to its element, since
// checkpoints are mapped files. The fastest code that the processor has (AVX-512, AVX2 or the
// baseline) is taken unless another is asked for; all give the same answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/dtype.h"

namespace loadproof::sim {

struct ElementCounts {
  int64_t elements = 0;
  int64_t nan = 0;   // none in integers and bool
  int64_t inf = 0;   // of either sign; e4m3fn has none
  int64_t zero = 0;  // of either sign
  int64_t one = 0;   // exactly +1; in bool every byte that is not zero, as torch reads it
  bool operator==(const ElementCounts&) const = default;
};

// Which vector instructions a count uses. REQUIRES of its callers: no more than best_simd().
enum class Simd : uint8_t { kBaseline, kAvx2, kAvx512 };

Simd best_simd();

ElementCounts count_elements(const void* data, int64_t elements, DType dtype,
                             Simd simd = best_simd());

// The same as count_elements(…).nan, reading only once and for NaN alone.
int64_t count_nan(const void* data, int64_t elements, DType dtype, Simd simd = best_simd());

// The offset of the first byte that differs, or nothing.
std::optional<int64_t> first_difference(const void* a, const void* b, int64_t bytes);

// XXH3, 64 bits: for telling buffers apart, and equal on every machine. A digest of parts chains
// through the seed, and is another than that of the whole. From kDigestTreeFrom bytes on it is XXH3
// over the digests of the blocks, so that a device can take these where the bytes are.
uint64_t digest(const void* data, size_t bytes, uint64_t seed = 0);

inline constexpr size_t kDigestTreeFrom = 256 << 10;
inline constexpr size_t kDigestBlock = 4096;
// XXH3, with the seed 0, of each block; the last one may be shorter.
std::vector<uint64_t> block_digests(const void* data, size_t bytes);
// The digest of a buffer of kDigestTreeFrom bytes or more, of which these are the blocks'.
uint64_t digest_of_blocks(std::span<const uint64_t> blocks, uint64_t seed = 0);

}  // namespace loadproof::sim
