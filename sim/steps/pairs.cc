#include "sim/steps/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sim/engine.h"

namespace loadproof::sim {
namespace {

// A selector that is one pattern with one `*`.
struct Pattern {
  std::string before, after;
  std::string with(std::string_view run) const { return fmt::format("{}{}{}", before, run, after); }
};

std::optional<Pattern> pattern_of(const Selector& selector) {
  if (selector.empty() || selector.nodes()[static_cast<size_t>(selector.root())].op !=
                              Selector::Op::kName)
    return std::nullopt;
  const std::string& text = selector.nodes()[static_cast<size_t>(selector.root())].text;
  const size_t star = text.find('*');
  if (star == text.npos || text.find_first_of("*?", star + 1) != text.npos ||
      text.find('?') != text.npos)
    return std::nullopt;
  return Pattern{text.substr(0, star), text.substr(star + 1)};
}

// Every slot of `slots` has its partner in `others`, or the error names the first that has none.
Result<std::vector<int>> pair_up(const Rank& rank, std::span<const int> slots, const Pattern& own,
                                 std::span<const int> others, const Pattern& other) {
  std::vector<int> pairs;
  for (int slot : slots) {
    const std::string& name = rank.slot(slot).spec->name;
    const std::string wanted = other.with(std::string_view(name).substr(
        own.before.size(), name.size() - own.before.size() - own.after.size()));
    const auto found = std::ranges::find_if(
        others, [&](int one) { return rank.slot(one).spec->name == wanted; });
    if (found == others.end())
      return fail(fmt::format("{} has no partner here: there is no {}", name, wanted));
    pairs.push_back(*found);
  }
  return pairs;
}

}  // namespace

// What the step's tensors are called: by `of`, or inside `each` by that of the loop.
std::optional<Pattern> own_pattern(const StepContext& context) {
  const Selector& of = context.step.of;
  const bool is_it = !of.empty() && of.nodes()[static_cast<size_t>(of.root())].op ==
                                        Selector::Op::kIt;
  const Selector* loop = is_it ? context.engine.loop_over(context.rank.index()) : nullptr;
  return pattern_of(loop ? *loop : of);
}

bool are_paired(const StepContext& context, const Selector& partners) {
  return own_pattern(context) && pattern_of(partners);
}

Result<std::vector<int>> partners_of(const StepContext& context, const Selector& partners,
                                     std::string_view parameter) {
  if (context.selected.empty()) return std::vector<int>();  // `when` leaves none
  const std::vector<int> others = context.engine.resolve_on(context.rank, partners);
  const auto own = own_pattern(context), other = pattern_of(partners);
  if (own && other) {
    // Not all of the others need be meant: some were left out, or are of another turn, or `*` means
    // whatever there is.
    const bool some = !context.step.when.text().empty() || context.step.of.text() == "it" ||
                      (other->before.empty() && other->after.empty());
    if (auto back = pair_up(context.rank, others, *other, context.selected, *own); !some && !back)
      return back;
    return pair_up(context.rank, context.selected, *own, others, *other);
  }
  if (others.size() != 1)
    return fail(fmt::format("{}: `{}: {}` means {} tensors here and must mean one",
                            context.rank.slot(context.selected[0]).spec->name, parameter,
                            partners.text(), others.size()));
  return std::vector<int>(context.selected.size(), others[0]);
}

}  // namespace loadproof::sim
