// The counting loop of sim/memory/scan.cc, over vectors of 64 bytes of one integer lane type.
//
// It is always inlined into functions compiled for one instruction set each, and uses the compiler's
// vector types rather than its vectoriser, so that it is fast at every optimisation level that
// inlines. Only scan.cc includes this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace loadproof::sim {

// How to read an element from its bits. Magnitude is the bits without the sign. All floating
// formats order NaN above inf above the finite; `nan_above` is the largest magnitude that is no NaN.
template <typename Lane>
struct Format {
  Lane magnitude;  // mask
  Lane nan_above;  // the largest lane value: no NaN
  Lane inf;        // a magnitude; a negative value matches none
  Lane one;
};

struct Tally {
  int64_t nan = 0, inf = 0, zero = 0, one = 0;
};

inline constexpr size_t kVectorBytes = 64;

// The largest number of vectors after which no lane of a counter has overflowed.
template <typename Lane>
inline constexpr size_t kVectorsPerFlush = sizeof(Lane) == 1 ? 127 : 4096;

// The sum of a vector's lanes, which hold counts (at most 127 in a byte).
template <typename Lane, typename Vector>
[[gnu::always_inline]] inline int64_t sum_lanes(const Vector& counts) {
  int64_t sum = 0;
  if constexpr (sizeof(Lane) == 1) {
    uint64_t words[kVectorBytes / sizeof(uint64_t)];
    std::memcpy(words, &counts, sizeof words);
    for (const uint64_t word : words) {
      constexpr uint64_t kEven = 0x00FF00FF00FF00FF;
      const uint64_t pairs = (word & kEven) + ((word >> 8) & kEven);
      sum += static_cast<int64_t>((pairs * 0x0001000100010001) >> 48);
    }
  } else {
    for (size_t i = 0; i < kVectorBytes / sizeof(Lane); ++i) sum += counts[i];
  }
  return sum;
}

// A comparison gives -1 in each lane that holds, so subtracting it counts. The tail is padded with
// the value 2, which is none of what is counted in any format.
template <typename Lane, bool kNanOnly>
[[gnu::always_inline]] inline Tally tally(const std::byte* data, size_t bytes,
                                          const Format<Lane>& format) {
  typedef Lane Vector __attribute__((vector_size(kVectorBytes)));
  Tally total;
  while (bytes > 0) {
    Vector nan{}, inf{}, zero{}, one{};
    for (size_t i = 0; i < kVectorsPerFlush<Lane> && bytes > 0; ++i) {
      const size_t chunk = bytes < kVectorBytes ? bytes : kVectorBytes;
      Vector bits;
      if (chunk < kVectorBytes) [[unlikely]]
        bits = Vector{} + Lane{2};
      if (chunk == kVectorBytes) [[likely]]
        std::memcpy(&bits, data, kVectorBytes);
      else
        std::memcpy(&bits, data, chunk);
      const Vector magnitude = bits & format.magnitude;
      nan -= magnitude > format.nan_above;
      if constexpr (!kNanOnly) {
        inf -= magnitude == format.inf;
        zero -= magnitude == Lane{0};
        one -= bits == format.one;
      }
      data += chunk;
      bytes -= chunk;
    }
    total.nan += sum_lanes<Lane>(nan);
    if constexpr (!kNanOnly) {
      total.inf += sum_lanes<Lane>(inf);
      total.zero += sum_lanes<Lane>(zero);
      total.one += sum_lanes<Lane>(one);
    }
  }
  return total;
}

}  // namespace loadproof::sim
