// What the table of a case's memory and the comparison of two have in common: columns, colours and
// lines.
//
// Pure functions. Lines are at most kColumns wide, but for names of scenarios.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/memory_view.h"

namespace loadproof::harness {

inline constexpr size_t kColumns = 100;
inline constexpr size_t kPilesShown = 10;

// For terminals; without colour, texts stay as they are.
struct Paint {
  bool colour = false;
  std::string heading(std::string_view text) const { return painted(text, "1"); }
  std::string mark(std::string_view text) const { return painted(text, "33"); }
  std::string wrong(std::string_view text) const { return painted(text, "31"); }

 private:
  std::string painted(std::string_view text, std::string_view code) const;
};

// "host", "cuda"
std::string_view place_text(Device device);
// "rank 0, host"
std::string group_text(const std::vector<int>& ranks, Device device);

// "480 KiB", or "0 B of 480 KiB" where not all is resident that is reserved.
std::string use_text(const MemoryUse& use);

// Spaces at its end are left out; ends with a newline.
std::string line(std::string text);
// Broken between words, all but the first line indented by two more.
std::string wrapped(std::string_view text, size_t indent);

// A line for each way in which ranks did not finish.
std::string endings_text(const MemoryView& view, const Paint& paint);

// Name and what stands right of it, in two columns that end within kColumns.
struct NamedLine {
  std::string left, name, right;
};
std::string named_lines(const std::vector<NamedLine>& lines, size_t indent);

}  // namespace loadproof::harness
