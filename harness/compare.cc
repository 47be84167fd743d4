// Holds verdicts against what a scenario expects of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

#include "harness/judge.h"
#include "harness/oracles/judged.h"
#include "harness/static_selector.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

using Names = std::set<std::string>;

// Whether a case's fill is one of these; none are all.
bool applies_under(const std::vector<std::string>& fills, const Case& plan) {
  return fills.empty() || std::ranges::any_of(fills, [&](const std::string& fill) {
           return plan.fill == fill || (fill == "nan" && plan.fill.starts_with("nan"));
         });
}

class Comparer {
 public:
  Comparer(const Case& plan, const Observation& seen, const Verdict& verdict,
           const Expectation& expected)
      : plan_(plan), seen_(seen), verdict_(verdict), expected_(expected) {}

  std::vector<std::string> surprises() {
    const bool fails = verdict_.judgement == Judgement::kFail;
    switch (expected_.expected) {
      case Expected::kFree: break;
      case Expected::kPass:
        if (fails) say("must pass", verdict_.summary);
        break;
      case Expected::kFail:
        if (!fails && demanded())
          say("must fail", fmt::format("{}: {}", verdict_.judgement == Judgement::kPass
                                                     ? "it passes" : "it cannot tell",
                                       verdict_.summary));
        if (fails) compare_place();
        break;
    }
    return std::move(surprises_);
  }

 private:
  const Case& plan_;
  const Observation& seen_;
  const Verdict& verdict_;
  const Expectation& expected_;
  std::optional<Point> everything_;
  std::vector<std::string> surprises_;

  void say(std::string_view wanted, std::string_view got) {
    std::string where = expected_.where.file.empty()
                            ? ""
                            : fmt::format(" ({}:{})", expected_.where.file, expected_.where.line);
    surprises_.push_back(fmt::format("{} {}{}, but {}", verdict_.oracle, wanted, where, got));
  }

  // Whether the failure must come in this world and under this fill, or merely may: of ranks that
  // the world does not have, none must fail.
  bool demanded() const {
    if (expected_.ranks && expected_.ranks->members(plan_.topology).empty()) return false;
    return applies_under(expected_.fills, plan_);
  }

  void compare_place() {
    if (expected_.ranks) compare_ranks();
    if (expected_.of && !plan_.dry) compare_tensors();
    if (expected_.at) compare_steps();
    if (expected_.state) compare_states(*expected_.state);
    if (!expected_.kinds.empty()) compare_kinds();
    if (expected_.from_rank) compare_roots();
    if (demanded()) compare_names();
  }

  void compare_ranks() {
    std::set<int> got;
    for (const Finding& finding : verdict_.findings)
      if (finding.rank >= 0) got.insert(finding.rank);
    std::vector<int> members = expected_.ranks->members(plan_.topology);
    if (plan_.dry) std::erase_if(members, [&](int rank) { return !stands_for_others(rank); });
    const std::set<int> wanted(members.begin(), members.end());
    const bool as_expected =
        demanded() ? got == wanted : std::ranges::includes(wanted, got);
    if (as_expected) return;
    say(fmt::format("must fail on {}", ranks_text(members)),
        fmt::format("it fails on {}", ranks_text({got.begin(), got.end()})));
  }

  // In a dry run only some of the ranks are run.
  bool stands_for_others(int rank) const {
    return std::ranges::any_of(seen_.ranks, [&](const auto& one) { return one.rank == rank; });
  }

  // For findings about no rank: what the first one has, and after that what only others have, or
  // nobody.
  const Point* everything() {
    if (everything_) return &*everything_;
    everything_.emplace();
    auto add = [&](TensorObservation tensor) {
      if (!find_tensor(*everything_, tensor.name))
        everything_->tensors.push_back(std::move(tensor));
    };
    for (const RankObservation& one : seen_.ranks)
      if (const Point* point = point_of(one.rank))
        for (TensorObservation tensor : point->tensors) {
          if (&one != &seen_.ranks.front()) tensor.storage = -1;
          add(std::move(tensor));
        }
    for (const ExtraTensor& extra : plan_.tensors)
      add({.name = extra.spec.name, .kind = extra.spec.kind, .tied_to = extra.spec.tied_to});
    return &*everything_;
  }

  const Point* point_of(int rank) {
    if (rank < 0) return everything();
    for (const RankObservation& one : seen_.ranks) {
      if (one.rank != rank) continue;
      const Point* point = expected_.at ? judged_point(one, *expected_.at) : nullptr;
      if (!point) point = judged_point(one);
      if (point && !point->tensors.empty()) return point;
    }
    return nullptr;
  }

  // Names that share storage are one tensor: the first of them. For `alias` they are not, since it
  // is the names that it judges.
  std::string owner(const Point& point, const std::string& tensor) const {
    if (verdict_.oracle == "alias") return tensor;
    auto found = std::ranges::find(point.tensors, tensor, &TensorObservation::name);
    if (found == point.tensors.end() || found->meta || found->storage < 0) return tensor;
    auto same = [&](const TensorObservation& other) {
      return !other.meta && other.storage == found->storage;
    };
    return std::ranges::find_if(point.tensors, same)->name;
  }

  void compare_tensors() {
    std::set<int> ranks;
    for (const Finding& finding : verdict_.findings) ranks.insert(finding.rank);
    Names wanted, got;
    for (int rank : ranks) {
      const Point* point = point_of(rank);
      if (!point) continue;
      auto names = resolve_static(*expected_.of, plan_, *point);
      if (!names)
        return say(fmt::format("must name '{}'", expected_.of->text()), names.error().message);
      for (const std::string& name : *names) wanted.insert(owner(*point, name));
    }
    for (const Finding& finding : verdict_.findings) {
      if (finding.tensor.empty()) continue;
      const Point* point = point_of(finding.rank);
      got.insert(point ? owner(*point, finding.tensor) : finding.tensor);
    }
    tell_difference(wanted, got);
  }

  void tell_difference(const Names& wanted, const Names& got) {
    std::vector<std::string> missing, surplus;
    std::ranges::set_difference(wanted, got, std::back_inserter(missing));
    std::ranges::set_difference(got, wanted, std::back_inserter(surplus));
    if (!demanded()) missing.clear();
    const std::string asked =
        fmt::format("must fail for '{}', {}", expected_.of->text(),
                    count_text(static_cast<int64_t>(wanted.size()), "tensor"));
    if (wanted.empty() && demanded())
      say(fmt::format("must fail for '{}'", expected_.of->text()), "no tensor is called so");
    if (!missing.empty()) say(asked, "it does not name " + list_text(missing, 4));
    if (!surplus.empty()) say(asked, "it also names " + list_text(surplus, 4));
  }

  // Oracles of the run tell the step; those of values have been asked about the point.
  void compare_steps() {
    for (const Finding& finding : verdict_.findings) {
      if (!finding.at.empty()) continue;
      const auto step = static_cast<size_t>(finding.step);
      const std::string id =
          finding.step >= 0 && step < seen_.steps.size() ? seen_.steps[step].id : "no step";
      if (id == *expected_.at) continue;
      return say(fmt::format("must fail at '{}'", *expected_.at),
                 fmt::format("it fails at '{}': {}", id, finding.text));
    }
  }

  void compare_states(const std::string& wanted) {
    bool any = false;
    for (const Finding& finding : verdict_.findings) {
      if (finding.state.empty()) continue;
      any = true;
      if (finding.state == wanted) continue;
      return say(fmt::format("must fail in state '{}'", wanted),
                 fmt::format("it fails in state '{}': {}", finding.state, finding.text));
    }
    if (!any && demanded())
      say(fmt::format("must fail in state '{}'", wanted), "no finding tells any");
  }

  void compare_kinds() {
    const Names wanted(expected_.kinds.begin(), expected_.kinds.end());
    Names missing = wanted;
    bool any = false;
    for (const Finding& finding : verdict_.findings) {
      if (finding.kind.empty()) continue;
      any = true;
      missing.erase(finding.kind);
      if (wanted.contains(finding.kind)) continue;
      return say(fmt::format("must fail of kind '{}'", fmt::join(wanted, "' or '")),
                 fmt::format("it fails of kind '{}': {}", finding.kind, finding.text));
    }
    if (missing.empty() || !demanded()) return;
    say(fmt::format("must fail of kind '{}'", fmt::join(missing, "' and '")),
        any ? "no finding is" : "no finding tells any");
  }

  void compare_roots() {
    bool any = false;
    const std::string asked = fmt::format("must fail from rank {}", *expected_.from_rank);
    for (const Finding& finding : verdict_.findings) {
      if (finding.root_rank < 0) continue;
      any = true;
      if (finding.root_rank == *expected_.from_rank) continue;
      return say(asked, fmt::format("it fails from rank {}: {}", finding.root_rank, finding.text));
    }
    if (!any && demanded()) say(asked, "no finding has a chain");
  }

  void compare_names() {
    for (const std::string& text : expected_.names) {
      auto has = [&](const std::string& in) { return in.find(text) != std::string::npos; };
      auto tells = [&](const Finding& f) {
        return has(f.text) || has(f.tensor) || has(f.chain) || has(f.state) || has(f.kind);
      };
      if (has(verdict_.summary) || std::ranges::any_of(verdict_.findings, tells)) continue;
      const std::string first =
          verdict_.findings.empty() ? verdict_.summary : verdict_.findings.front().text;
      say(fmt::format("must tell of \"{}\"", text), fmt::format("it does not: {}", first));
    }
  }
};

void compare_tokens(const ExpectedTokens& expected, const Case& plan, const Observation& seen,
                    std::vector<std::string>& surprises) {
  if (!applies_under(expected.fills, plan)) return;
  auto at_step = [&](const Generation& generation) {
    return expected.at.empty() ||
           seen.steps[static_cast<size_t>(generation.step)].id == expected.at;
  };
  for (const RankObservation& rank : seen.ranks) {
    if (!expected.ranks.contains(rank.rank, plan.topology)) continue;
    auto last = std::find_if(rank.generations.rbegin(), rank.generations.rend(), at_step);
    const bool drew = last != rank.generations.rend();
    if (drew && last->tokens == expected.tokens) continue;
    surprises.push_back(fmt::format(
        "rank {} must draw the tokens {} ({}:{}), but it {}", rank.rank,
        fmt::join(expected.tokens, " "), expected.where.file, expected.where.line,
        drew ? fmt::format("draws {}", fmt::join(last->tokens, " ")) : "draws none"));
  }
}

}  // namespace

std::vector<std::string> compare_with_expectations(const Case& plan, const Observation& seen,
                                                   const std::vector<Verdict>& verdicts) {
  static const Expectation kMustPass;
  std::vector<std::string> all;
  for (const Verdict& verdict : verdicts) {
    if (plan.dry && !find_oracle(verdict.oracle)->dry) continue;  // asked of runs with bytes
    auto found = plan.expect.find(verdict.oracle);
    const Expectation& expected = found == plan.expect.end() ? kMustPass : found->second;
    for (std::string& one : Comparer(plan, seen, verdict, expected).surprises())
      all.push_back(std::move(one));
  }
  if (plan.dry) return all;
  for (const ExpectedTokens& expected : plan.tokens) compare_tokens(expected, plan, seen, all);
  return all;
}

}  // namespace loadproof::harness
