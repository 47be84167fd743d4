#include "sim/memory/fill.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <cwchar>
#include <string>
#include <vector>

namespace loadproof::sim {

namespace {

constexpr std::array<FillInfo, kFillCount> kFills{{
    {Fill::kNan, "nan", "NaN in bfloat16, float16 and float32 (0x7FC0)", 0x7FC0},
    {Fill::kNan7fff, "nan7fff", "NaN in every floating type (0x7FFF)", 0x7FFF},
    {Fill::kZeros, "zeros", "what a fresh page of the kernel holds", 0x0000},
    {Fill::kTiny, "tiny", "small positive numbers (0x0404)", 0x0404},
    {Fill::kHuge, "huge", "large finite numbers (0x7B7B)", 0x7B7B},
    {Fill::kStale, "stale", "plausible weights, as a recycled block would hold", stale_word(0)},
}};

constexpr std::array<uint16_t, kStaleWords> make_stale() {
  std::array<uint16_t, kStaleWords> words{};
  for (size_t i = 0; i < kStaleWords; ++i) words[i] = stale_word(i);
  return words;
}

constexpr std::array<uint16_t, kStaleWords> kStale = make_stale();

// Letters to insert, drop or replace to come from one word to the other.
size_t edits(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// Repeats the first `seed` bytes of a block over all of it, in copies that double.
void repeat(std::byte* data, size_t bytes, size_t seed) {
  for (size_t done = seed; done < bytes;) {
    const size_t chunk = std::min(done, bytes - done);
    std::memcpy(data + done, data, chunk);
    done += chunk;
  }
}

}  // namespace

std::span<const FillInfo> fills() { return kFills; }

const FillInfo& info(Fill fill) { return kFills[static_cast<size_t>(fill)]; }

std::string_view name(Fill fill) { return info(fill).name; }

Result<Fill> fill_named(std::string_view text) {
  const FillInfo* nearest = &kFills[0];
  std::string names;
  for (const FillInfo& row : kFills) {
    if (row.name == text) return row.fill;
    if (edits(text, row.name) < edits(text, nearest->name)) nearest = &row;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  }
  return fail(fmt::format("there is no fill \"{}\"; did you mean \"{}\"? The fills are {}", text,
                          nearest->name, names));
}

// wmemset is the C library's fastest way to store a pattern wider than a byte: many times the speed
// of the loop that the compiler makes. It wants its own alignment; a fill of an odd address is
// rare.
void fill_words(void* data, size_t bytes, uint16_t word) {
  static_assert(sizeof(wchar_t) == 4);
  auto* at = static_cast<std::byte*>(data);
  const uint32_t pair = uint32_t{word} * 0x10001u;
  if (reinterpret_cast<uintptr_t>(data) % alignof(wchar_t) != 0) {
    std::memcpy(at, &pair, std::min(bytes, sizeof pair));
    repeat(at, bytes, sizeof pair);
    return;
  }
  const size_t whole = bytes / sizeof pair;
  if (whole > 0) std::wmemset(static_cast<wchar_t*>(data), static_cast<wchar_t>(pair), whole);
  if (bytes % sizeof pair != 0) std::memcpy(at + whole * sizeof pair, &pair, bytes % sizeof pair);
}

void fill_bytes(void* data, size_t bytes, Fill fill) {
  if (fill != Fill::kStale) return fill_words(data, bytes, info(fill).word);
  auto* at = static_cast<std::byte*>(data);
  for (size_t done = 0; done < bytes; done += sizeof kStale)
    std::memcpy(at + done, kStale.data(), std::min(sizeof kStale, bytes - done));
}

}  // namespace loadproof::sim
