#include "harness/words.h"

#include <fmt/format.h>

namespace loadproof::harness {

std::string ranks_text(const std::vector<int>& ranks) {
  if (ranks.empty()) return "no rank";
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t first = 0; first < ranks.size();) {
    size_t last = first;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    if (last == first + 1) last = first;  // "1, 2" reads better than "1..2"
    if (first > 0) text += ", ";
    text += first == last ? fmt::format("{}", ranks[first])
                          : fmt::format("{}..{}", ranks[first], ranks[last]);
    first = last + 1;
  }
  return text;
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
