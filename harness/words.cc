#include "harness/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace loadproof::harness {

std::string numbers_text(const std::vector<int>& numbers, size_t shown) {
  std::string text;
  size_t parts = 0;
  for (size_t first = 0; first < numbers.size(); ++parts) {
    if (parts == shown) return text + fmt::format(" and {} more", numbers.size() - first);
    size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (last == first + 1) last = first;  // "1, 2" reads better than "1..2"
    if (first > 0) text += ", ";
    text += first == last ? fmt::format("{}", numbers[first])
                          : fmt::format("{}..{}", numbers[first], numbers[last]);
    first = last + 1;
  }
  return text;
}

std::string ranks_text(const std::vector<int>& ranks, size_t shown) {
  if (ranks.empty()) return "no rank";
  return (ranks.size() == 1 ? "rank " : "ranks ") + numbers_text(ranks, shown);
}

std::string bytes_text(int64_t bytes) {
  static constexpr std::pair<int64_t, std::string_view> kUnits[] = {
      {int64_t{1} << 50, "PiB"}, {int64_t{1} << 40, "TiB"}, {int64_t{1} << 30, "GiB"},
      {1 << 20, "MiB"},          {1 << 10, "KiB"}};
  for (const auto& [unit, name] : kUnits)
    if (bytes >= unit)
      return fmt::format("{:.4g} {}", static_cast<double>(bytes) / static_cast<double>(unit), name);
  return fmt::format("{} B", bytes);
}

namespace {
bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
}  // namespace

size_t characters_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, begins_character));
}

std::string shortened(std::string_view text, size_t characters) {
  const size_t all = characters_of(text);
  if (all <= characters) return std::string(text);
  if (characters == 0) return "";
  const size_t head = (characters - 1) / 2, tail = characters - 1 - head;
  std::string kept;
  size_t seen = 0;
  for (char c : text) {
    seen += begins_character(c);
    if (seen == head + 1 && begins_character(c)) kept += "…";
    if (seen <= head || seen > all - tail) kept += c;
  }
  return kept;
}

std::string count_text(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string step_text(const Observation& seen, int32_t step) {
  if (step < 0 || static_cast<size_t>(step) >= seen.steps.size()) return "";
  const StepLabel& label = seen.steps[static_cast<size_t>(step)];
  return fmt::format("'{}' ({}, {}:{})", label.id, label.verb, label.file, label.line);
}

std::string elements_text(int64_t begin, int64_t end) {
  if (begin < 0 || end <= begin) return "";
  if (end == begin + 1) return fmt::format("element {}", begin);
  return fmt::format("elements {} to {}", begin, end - 1);
}

std::string list_text(const std::vector<std::string>& items, size_t shown) {
  std::string text;
  for (size_t i = 0; i < items.size() && i < shown; ++i) {
    if (i > 0) text += ", ";
    text += items[i];
  }
  if (items.size() > shown) text += fmt::format(" and {} more", items.size() - shown);
  return text;
}

}  // namespace loadproof::harness
