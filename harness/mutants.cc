#include "harness/mutants.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "harness/oracles/judged.h"
#include "harness/reporters/story.h"
#include "sim/check.h"

namespace loadproof::harness {
namespace {

// Other ranks than a step's own, for want of which a person may have meant these.
constexpr std::string_view kElsewhere[] = {"all", "0", "r>0", "r!=last", "local 0", "local>0"};

// The steps beside a step, and which of them it is; found by its index in a numbered program.
struct Seat {
  std::vector<Step>* siblings = nullptr;
  size_t at = 0;
  Step& step() const { return (*siblings)[at]; }
};

Seat seat_of(std::vector<Step>& steps, int index) {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].index == index) return {&steps, i};
    if (const Seat inner = seat_of(steps[i].body, index); inner.siblings) return inner;
  }
  return {};
}

void rename(Step& step) {
  step.id += ".again";
  for (Step& inner : step.body) rename(inner);
}

class MutantMaker {
 public:
  explicit MutantMaker(const Case& plan) : plan_(plan) {}

  std::vector<Mutant> make() {
    std::vector<int> all;
    for (int rank = 0; rank < plan_.topology.ranks(); ++rank) all.push_back(rank);
    mutate_all(plan_.program.steps, all);
    return std::move(mutants_);
  }

 private:
  const Case& plan_;
  std::vector<Mutant> mutants_;

  // `around`: the ranks that come to these steps at all.
  void mutate_all(const std::vector<Step>& steps, const std::vector<int>& around) {
    for (size_t i = 0; i < steps.size(); ++i) {
      const std::vector<int> own = members(steps[i].ranks, around);
      reorder(steps[i], i + 1 < steps.size() ? &steps[i + 1] : nullptr);
      misdirect(steps[i], around, own);
      mutate_all(steps[i].body, own);
    }
  }

  template <typename Change>
  void add(const Step& step, std::string text, Change change) {
    Mutant mutant{step.id, std::move(text), plan_.program};
    const Seat seat = seat_of(mutant.program.steps, step.index);
    SIM_CHECK(seat.siblings, "step {} is not in its program", step.id);
    change(seat);
    number_steps(mutant.program);
    mutants_.push_back(std::move(mutant));
  }

  void reorder(const Step& step, const Step* next) {
    const auto place = [](const Seat& seat) {
      return seat.siblings->begin() + static_cast<std::ptrdiff_t>(seat.at);
    };
    add(step, "drop", [&](const Seat& seat) { seat.siblings->erase(place(seat)); });
    add(step, "duplicate", [&](const Seat& seat) {
      Step again = seat.step();
      rename(again);
      seat.siblings->insert(place(seat) + 1, std::move(again));
    });
    if (next)
      add(step, "swap with " + next->id,
          [&](const Seat& seat) { std::iter_swap(place(seat), place(seat) + 1); });
  }

  void misdirect(const Step& step, const std::vector<int>& around, const std::vector<int>& own) {
    std::set<std::vector<int>> tried{own, {}};
    for (std::string_view text : kElsewhere) {
      const Result<RankSet> ranks = RankSet::parse(text);
      SIM_CHECK(ranks, "{}: {}", text, ranks.error().message);
      if (!tried.insert(members(*ranks, around)).second) continue;
      add(step, fmt::format("ranks: {}", text),
          [&](const Seat& seat) { seat.step().ranks = *ranks; });
    }
    const auto* source = optional_arg<int64_t>(step, "src");
    if (!source || plan_.topology.ranks() == 1) return;
    const int64_t other = *source == 0 ? 1 : 0;
    add(step, fmt::format("src: {}", other),
        [&](const Seat& seat) { seat.step().args["src"] = other; });
  }

  std::vector<int> members(const RankSet& ranks, std::vector<int> of) const {
    std::erase_if(of, [&](int rank) { return !ranks.contains(rank, plan_.topology); });
    return of;
  }
};

// The last tokens of each `sample`, by its id.
std::map<std::string_view, const std::vector<int64_t>*> tokens_of(const Observation& seen,
                                                                  const RankObservation& rank) {
  std::map<std::string_view, const std::vector<int64_t>*> tokens;
  for (const Generation& generation : rank.generations)
    tokens[seen.steps[static_cast<size_t>(generation.step)].id] = &generation.tokens;
  return tokens;
}

bool same_tokens(const Observation& first, const Observation& second, size_t rank) {
  const auto there = tokens_of(second, second.ranks[rank]);
  return std::ranges::all_of(tokens_of(first, first.ranks[rank]), [&](const auto& drawn) {
    const auto found = there.find(drawn.first);
    return found == there.end() || *found->second == *drawn.second;
  });
}

bool same_tensor(const TensorObservation& a, const TensorObservation& b) {
  const auto held = [](const TensorObservation& tensor) {
    return std::tie(tensor.dtype, tensor.shape, tensor.meta, tensor.digest);
  };
  return a.name == b.name && (!is_judged(a) || held(a) == held(b));
}

}  // namespace

std::vector<Mutant> mutants_of(const Case& plan) { return MutantMaker(plan).make(); }

bool must_pass_wholly(const Case& plan) {
  return std::ranges::all_of(
      plan.expect, [](const auto& entry) { return entry.second.expected == Expected::kPass; });
}

bool same_result(const Observation& original, const Observation& mutant) {
  for (size_t i = 0; i < original.ranks.size(); ++i) {
    const RankObservation &first = original.ranks[i], &second = mutant.ranks[i];
    if (first.outcome != second.outcome || !same_tokens(original, mutant, i)) return false;
    if (!std::ranges::equal(first.points.back().tensors, second.points.back().tensors, same_tensor))
      return false;
  }
  return true;
}

Trial try_mutant(sim::Session& session, const Case& plan, const Observation& original,
                 const Mutant& mutant) {
  Case changed = plan;
  changed.program = mutant.program;
  const CaseResult result = run_case(session, changed, {});
  switch (result.status) {
    case Status::kError:
      return {.fate = Fate::kRefused};
    case Status::kPass:
      return {.fate = Fate::kSurvived, .same_result = same_result(original, result.observation)};
    default:
      break;
  }
  Trial trial{.fate = Fate::kCaught, .caught_by = failed_oracles(result)};
  if (trial.caught_by.empty()) trial.caught_by.emplace_back("tokens");
  return trial;
}

}  // namespace loadproof::harness
