#include "harness/memory_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kEndingsShown = 8;
constexpr size_t kErrorCharacters = 400;
constexpr size_t kNameLeast = 16;

}  // namespace

std::string Paint::painted(std::string_view text, std::string_view code) const {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string_view place_text(Device device) { return device == Device::kCpu ? "host" : "cuda"; }

std::string group_text(const std::vector<int>& ranks, Device device) {
  return fmt::format("{}, {}", ranks_text(ranks, kNumbersShown), place_text(device));
}

std::string use_text(const MemoryUse& use) {
  if (use.resident == use.reserved) return bytes_text(use.resident);
  return fmt::format("{} of {}", bytes_text(use.resident), bytes_text(use.reserved));
}

std::string line(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string wrapped(std::string_view text, size_t indent) {
  std::string lines, current(indent, ' ');
  size_t least = indent;  // characters of a line that has no word yet
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n\t"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const size_t width = characters_of(current);
    if (width > least && width + 1 + characters_of(word) > kColumns) {
      lines += line(std::move(current));
      least = indent + 2;
      current = std::string(least, ' ');
    } else if (width > least) {
      current += ' ';
    }
    current += word;
  }
  return lines + line(std::move(current));
}

std::string endings_text(const MemoryView& view, const Paint& paint) {
  std::string text;
  for (size_t i = 0; i < view.endings.size() && i < kEndingsShown; ++i) {
    const Ending& ending = view.endings[i];
    text += paint.wrong(wrapped(
        shortened(fmt::format("{} {}", ranks_text(ending.ranks, kNumbersShown), ending.text),
                  kErrorCharacters),
        2));
  }
  if (view.endings.size() <= kEndingsShown) return text;
  size_t ranks = 0;
  for (size_t i = kEndingsShown; i < view.endings.size(); ++i)
    ranks += view.endings[i].ranks.size();
  return text + fmt::format("  and {} more did not finish\n", ranks);
}

std::string named_lines(const std::vector<NamedLine>& lines, size_t indent) {
  size_t left = 0, name = 0, right = 0;
  for (const NamedLine& one : lines) {
    left = std::max(left, characters_of(one.left));
    name = std::max(name, characters_of(one.name));
    right = std::max(right, characters_of(one.right));
  }
  const size_t taken = indent + left + right + 4;
  name = std::min(name, std::max(kNameLeast, kColumns - std::min(taken, kColumns)));
  std::string text;
  for (const NamedLine& one : lines)
    text += line(fmt::format("{:{}}{:>{}}  {:{}}  {}", "", indent, one.left, left,
                             shortened(one.name, name), name, one.right));
  return text;
}

}  // namespace loadproof::harness
