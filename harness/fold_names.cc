#include "harness/fold_names.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kDigitsMax = 9;  // so that it is an int
constexpr size_t kPartsShown = 3;

using Numbers = std::vector<int>;  // ascending

// A name, or several, cut at its numbers: what stands between them, and all that stand at each.
struct Cut {
  std::string pattern;  // with a NUL for each number, which no name has
  std::vector<Numbers> numbers;
  size_t kind = 0, count = 1, first = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits that a number would be written with: 007 is no number.
bool is_number(std::string_view digits) {
  return digits.size() <= kDigitsMax && (digits.size() == 1 || digits[0] != '0');
}

Cut cut_of(const NameToFold& from, size_t index) {
  Cut cut{.pattern = {}, .numbers = {}, .kind = from.kind, .first = index};
  const std::string_view name = from.name;
  for (size_t at = 0; at < name.size();) {
    size_t end = at + 1;
    if (is_digit(name[at]))
      while (end < name.size() && is_digit(name[end])) ++end;
    const std::string_view part = name.substr(at, end - at);
    if (is_digit(part[0]) && is_number(part)) {
      int number = 0;
      std::from_chars(part.data(), part.data() + part.size(), number);
      cut.pattern += '\0';
      cut.numbers.push_back({number});
    } else {
      cut.pattern += part;
    }
    at = end;
  }
  return cut;
}

// Cuts that differ at `place` alone become one.
std::vector<Cut> fold_at(size_t place, std::vector<Cut> cuts) {
  std::vector<Cut> folded;
  std::map<std::pair<size_t, std::vector<Numbers>>, size_t> by_rest;
  for (Cut& cut : cuts) {
    const Numbers numbers = std::exchange(cut.numbers[place], {});
    const auto [found, is_new] = by_rest.emplace(std::pair{cut.kind, cut.numbers}, folded.size());
    if (is_new)
      folded.push_back(std::move(cut));
    else
      folded[found->second].count += cut.count;
    Numbers& all = folded[found->second].numbers[place];
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  for (Cut& cut : folded) {
    Numbers& all = cut.numbers[place];
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  return folded;
}

std::string name_of(const Cut& cut) {
  std::string name;
  size_t place = 0;
  for (char c : cut.pattern) {
    if (c != '\0') {
      name += c;
      continue;
    }
    const Numbers& numbers = cut.numbers[place++];
    const std::string text = numbers_text(numbers, kPartsShown);
    name += numbers.size() == 1 ? text : "{" + text + "}";
  }
  return name;
}

}  // namespace

std::vector<FoldedName> fold_names(const std::vector<NameToFold>& names) {
  std::map<std::string, std::vector<Cut>> by_pattern;
  for (size_t i = 0; i < names.size(); ++i) {
    Cut cut = cut_of(names[i], i);
    by_pattern[cut.pattern].push_back(std::move(cut));
  }
  std::vector<Cut> all;
  for (auto& [pattern, cuts] : by_pattern) {
    for (size_t place = cuts[0].numbers.size(); place-- > 0;)
      cuts = fold_at(place, std::move(cuts));
    std::ranges::move(cuts, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &Cut::first);
  std::vector<FoldedName> folded;
  for (const Cut& cut : all) folded.push_back({name_of(cut), cut.kind, cut.count});
  return folded;
}

}  // namespace loadproof::harness
