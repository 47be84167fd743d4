#include "sim/checkpoint/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace loadproof {
namespace {

// Longer names are not compared: no name that a person types is that long.
constexpr size_t kLengthMax = 256;
constexpr size_t kQuotedMax = 200;
// Shorter names are too likely to be part of another one by chance.
constexpr size_t kPartLengthMin = 3;

enum class Likeness { kSameButCase, kTypingSlip, kBeginsAlike, kContains, kNone };

struct Candidate {
  Likeness likeness;
  size_t slips;
  std::string_view name;
  auto key() const { return std::tie(likeness, slips, name); }
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

// The optimal string alignment distance: insertions, deletions, replacements and swaps of
// neighbours, no part being edited twice.
size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

Candidate compare(const std::string& wanted, std::string_view name) {
  const std::string known = lower(name);
  if (known == wanted) return {Likeness::kSameButCase, 0, name};
  const size_t shorter = std::min(wanted.size(), known.size());
  const size_t longer = std::max(wanted.size(), known.size());
  const size_t slips_max = std::max<size_t>(1, (shorter + 1) / 4);
  if (longer - shorter <= slips_max && shorter > 0) {
    const size_t slips = slips_between(wanted, known);
    if (slips <= slips_max && slips < longer) return {Likeness::kTypingSlip, slips, name};
  }
  if (shorter >= kPartLengthMin) {
    const size_t rest = longer - shorter;
    if (known.starts_with(wanted)) return {Likeness::kBeginsAlike, rest, name};
    if (known.find(wanted) != std::string::npos || wanted.find(known) != std::string::npos)
      return {Likeness::kContains, rest, name};
  }
  return {Likeness::kNone, 0, name};
}

// Keeps what is as likely as the best, or nearly so: a worse kind, or half as many slips again,
// would only distract from the right answer.
bool worth_naming(const Candidate& candidate, const Candidate& best) {
  if (candidate.likeness != best.likeness) return false;
  return candidate.likeness != Likeness::kTypingSlip || 2 * candidate.slips <= 3 * best.slips;
}

template <typename Names>
std::vector<std::string> nearest(std::string_view wanted, const Names& known, size_t limit) {
  if (wanted.size() > kLengthMax) return {};
  const std::string wanted_lower = lower(wanted);
  std::vector<Candidate> candidates;
  for (std::string_view name : known) {
    if (name.size() > kLengthMax || name == wanted) continue;
    const Candidate candidate = compare(wanted_lower, name);
    if (candidate.likeness != Likeness::kNone) candidates.push_back(candidate);
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.key() < b.key(); });
  std::vector<std::string> result;
  for (const Candidate& candidate : candidates) {
    if (result.size() == limit || !worth_naming(candidate, candidates.front())) break;
    if (result.empty() || result.back() != candidate.name) result.emplace_back(candidate.name);
  }
  return result;
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view wanted,
                                       std::span<const std::string_view> known, size_t limit) {
  return nearest(wanted, known, limit);
}

std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> known,
                                       size_t limit) {
  return nearest(wanted, known, limit);
}

std::string did_you_mean(std::span<const std::string> nearest) {
  if (nearest.empty()) return "";
  std::string names = in_quotes(nearest.front());
  for (size_t i = 1; i < nearest.size(); ++i)
    names += (i + 1 == nearest.size() ? " or " : ", ") + in_quotes(nearest[i]);
  return fmt::format(" (did you mean {}?)", names);
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string_view> known) {
  return did_you_mean(nearest_names(wanted, known));
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> known) {
  return did_you_mean(nearest_names(wanted, known));
}

std::string in_quotes(std::string_view text) {
  if (text.size() <= kQuotedMax) return fmt::format("{:?}", text);
  return fmt::format("{:?}…", text.substr(0, kQuotedMax));
}

}  // namespace loadproof
