// What memory holds that nobody wrote: the fills, by name, and how to write one.
//
// A fill is a pattern of 16-bit words (little-endian, repeated from a block's start), since bf16
// and fp16 elements are that wide and an fp32 element is two of them. Sizes are in bytes. Pure
// functions over constant tables: any thread may call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/result.h"

namespace loadproof::sim {

// Values by element type, as a loader would read them:
//   kNan      0x7FC0  NaN in bf16, fp16, fp32; in fp64 2.3e307; in fp8 alternately -2 and NaN
//   kNan7fff  0x7FFF  NaN in bf16, fp16, fp32, fp64 and both fp8 types
//   kZeros    0x0000  zero in all
//   kTiny     0x0404  small, positive and normal: bf16, fp32 1.6e-36; fp16 6.1e-5; fp64 4.7e-289;
//                     fp8 e4m3fn 0.0078, e5m2 6.1e-5
//   kHuge     0x7B7B  large and finite: bf16, fp32 1.3e36; fp16 61280; fp64 3e286;
//                     fp8 e4m3fn 352, e5m2 57344
//   kStale    what a recycled block would hold: weights of another model, the same in every run and
//             for every block (see stale_word)
enum class Fill : uint8_t { kNan, kNan7fff, kZeros, kTiny, kHuge, kStale };

struct FillInfo {
  Fill fill;
  std::string_view name;  // as a scenario and the command line spell it
  std::string_view about;
  uint16_t word;  // the pattern; of kStale its first word
};

inline constexpr size_t kFillCount = 6;

// What freed memory holds: NaN in bf16, fp16 and fp32, and no fill's word.
inline constexpr uint16_t kFreedWord = 0x7FDE;

// kStale repeats after this many words; a page-cached file of it can be mapped at any multiple.
inline constexpr size_t kStaleWords = 32768;

// The word at `index` of a stale block. Its high byte is 0x38 to 0x3C with any sign, so that the
// magnitude is 3e-5 to 0.03 in bf16 and fp32 and 0.5 to 1.2 in fp16; its low byte lacks the bits
// that could make an fp8 NaN.
constexpr uint16_t stale_word(size_t index) {
  uint32_t mix = static_cast<uint32_t>(index % kStaleWords) * 0x9E3779B1u + 0x7F4A7C15u;
  mix = (mix ^ (mix >> 15)) * 0x85EBCA77u;
  mix = (mix ^ (mix >> 13)) * 0xC2B2AE3Du;
  mix ^= mix >> 16;
  const uint32_t sign = (mix >> 31) << 15;
  const uint32_t high = 0x38 + ((mix >> 8) & 0xFF) % 5;
  return static_cast<uint16_t>(sign | (high << 8) | (mix & 0x77));
}

std::span<const FillInfo> fills();  // in the order of the enumerators
const FillInfo& info(Fill fill);
std::string_view name(Fill fill);

// An unknown name is an error that lists the names and the nearest of them.
Result<Fill> fill_named(std::string_view text);

// Both write exactly `bytes` bytes; `data` may be unaligned.
void fill_bytes(void* data, size_t bytes, Fill fill);
void fill_words(void* data, size_t bytes, uint16_t word);

}  // namespace loadproof::sim
