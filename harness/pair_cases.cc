#include "harness/pair_cases.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kCasesShown = 3;

bool are_beside(const Case& here, const Case& there, const std::vector<std::string>& named) {
  return std::ranges::all_of(here.axes, [&](const auto& axis) {
    if (std::ranges::find(named, axis.first) != named.end()) return true;
    return std::ranges::all_of(there.axes, [&](const auto& other) {
      return other.first != axis.first || other.second == axis.second;
    });
  });
}

}  // namespace

Result<std::vector<CasePair>> pair_cases(const std::vector<Case>& here,
                                         const std::vector<Case>& there,
                                         const std::vector<std::string>& named, bool same_file) {
  std::vector<CasePair> pairs;
  for (const Case& one : here) {
    std::vector<const Case*> found;
    for (const Case& other : there)
      if ((!same_file || one.scenario == other.scenario) && are_beside(one, other, named))
        found.push_back(&other);
    if (found.empty()) return fail(fmt::format("no case stands beside {}", one.id));
    if (found.size() > 1) {
      std::vector<std::string> ids;
      for (const Case* other : found) ids.push_back(other->id);
      return fail(fmt::format("{} cases stand beside {}: say which, by its axes: {}", ids.size(),
                              one.id, list_text(ids, kCasesShown)));
    }
    if (found[0]->id != one.id) pairs.push_back({&one, found[0]});
  }
  if (pairs.empty()) return fail("the cases that are selected are those themselves");
  return pairs;
}

std::vector<std::pair<std::string, std::string>> parse_axes(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> axes;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string part(text.substr(0, comma));
    text.remove_prefix(std::min(text.size(), comma + 1));
    const size_t equals = part.find('=');
    const bool is_axis = equals != std::string::npos && equals > 0;
    if (is_axis && part.find('/') > equals)
      axes.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    else if (!is_axis && !axes.empty())
      axes.back().second += "," + part;
    else
      return {};
  }
  return axes;
}

}  // namespace loadproof::harness
