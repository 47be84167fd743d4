#include "harness/oracles/judged.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

bool stopped(Outcome outcome) {
  return outcome == Outcome::kRaised || outcome == Outcome::kBlocked ||
         outcome == Outcome::kAborted;
}

// "rank 1: 27 tensors (a, b, c and 24 more); ranks 2..3: 1 tensor (b)": ranks that say the same
// share a phrase.
std::string failure_summary(const std::vector<Finding>& findings) {
  std::map<int, std::vector<std::string>> tensors;
  for (const Finding& finding : findings) {
    auto& names = tensors[finding.rank];
    if (!finding.tensor.empty() && std::ranges::find(names, finding.tensor) == names.end())
      names.push_back(finding.tensor);
  }
  std::vector<std::pair<std::vector<std::string>, std::vector<int>>> groups;
  for (const auto& [rank, names] : tensors) {
    auto same = std::ranges::find(groups, names, [](const auto& group) { return group.first; });
    if (same == groups.end()) same = groups.insert(groups.end(), {names, {}});
    if (rank >= 0) same->second.push_back(rank);
  }
  std::string text;
  for (const auto& [names, ranks] : groups) {
    if (!text.empty()) text += "; ";
    if (!ranks.empty()) text += ranks_text(ranks);
    if (names.empty()) continue;
    text += fmt::format("{}{} ({})", ranks.empty() ? "" : ": ",
                        count_text(static_cast<int64_t>(names.size()), "tensor"),
                        list_text(names, 3));
  }
  return text.empty() ? findings.front().text : "fails on " + text;
}

}  // namespace

JudgedRanks judged_ranks(const Observation& seen, std::string_view at) {
  JudgedRanks judged;
  std::map<std::string, std::vector<int>> reasons;
  for (const RankObservation& rank : seen.ranks) {
    const Point* point = judged_point(rank, at);
    if (!point)
      reasons[at.empty() ? "never got to a point" : fmt::format("never got to '{}'", at)]
          .push_back(rank.rank);
    else if (at.empty() && stopped(rank.outcome) && !point->sampled)
      reasons[std::string(name(rank.outcome))].push_back(rank.rank);
    else
      judged.ranks.push_back({&rank, point});
  }
  for (const auto& [reason, ranks] : reasons) {
    if (!judged.left_out.empty()) judged.left_out += ", ";
    judged.left_out += fmt::format("{} ({})", ranks_text(ranks), reason);
  }
  return judged;
}

std::vector<Judged> earlier_samples(const Judged& judged, std::string_view at) {
  std::vector<Judged> samples;
  if (!at.empty() || !judged.point->sampled) return samples;
  const std::vector<Point>& points = judged.rank->points;
  for (size_t i = static_cast<size_t>(judged.point - points.data()); i-- > 0;)
    if (points[i].sampled && points[i].step != judged.point->step)
      samples.push_back({judged.rank, &points[i]});
  return samples;
}

std::vector<const Generation*> generations_at(const Judged& judged) {
  std::vector<const Generation*> found;
  if (!judged.point->sampled) return found;
  for (const Generation& generation : judged.rank->generations)
    if (generation.step == judged.point->step) found.push_back(&generation);
  return found;
}

const TensorObservation* find_tensor(const Point& point, std::string_view name) {
  auto found = std::ranges::find(point.tensors, name, &TensorObservation::name);
  return found == point.tensors.end() ? nullptr : &*found;
}

const StateRange* range_of(const TensorObservation& tensor, int64_t begin, int64_t end) {
  const StateRange* first = nullptr;
  for (const StateRange& range : tensor.states) {
    if (range.end <= begin || range.begin >= end) continue;
    if (must_not_reach_sampling(range.root)) return &range;
    if (!first) first = &range;
  }
  return first;
}

Blame::Blame(const Case& plan, const JudgedRanks& judged)
    : plan_(plan), steps_(flat_steps(plan.program)) {
  for (const Judged& one : judged.ranks)
    for (const TensorObservation& tensor : one.point->tensors)
      for (const StateRange& range : tensor.states) {
        bool received = range.kind == StateKind::kReceived;
        bool gives = received || range.kind == StateKind::kLoaded;
        if (!gives || range.step < 0 || must_not_reach_sampling(range.root)) continue;
        Source source{range.begin, range.end, received, range.step, range.root_rank};
        auto& sources = sources_[tensor.name];
        if (std::ranges::find(sources, source) == sources.end()) sources.push_back(source);
      }
}

bool Blame::takes_part(int rank, int32_t step) const {
  const auto index = static_cast<size_t>(step);
  return index < steps_.size() && steps_[index]->verb == "read" &&
         steps_[index]->ranks.contains(rank, plan_.topology);
}

int32_t Blame::step_for(int rank, const TensorObservation& tensor, int64_t begin,
                        int64_t end) const {
  auto found = sources_.find(tensor.name);
  if (found == sources_.end()) return -1;
  const Source* best = nullptr;
  for (const Source& source : found->second) {
    if (source.end <= begin || source.begin >= end) continue;
    auto wrote_here = [&](const StateRange& range) { return range.step == source.step; };
    const bool gave = source.received && source.root_rank == rank;
    if (gave || std::ranges::any_of(tensor.states, wrote_here) || takes_part(rank, source.step))
      continue;
    if (!best || (source.received && !best->received)) best = &source;
  }
  return best ? best->step : -1;
}

Finding finding_of(const Judged& judged, const TensorObservation& tensor) {
  Finding finding;
  finding.rank = judged.rank->rank;
  finding.tensor = tensor.name;
  finding.at = judged.point->id;
  return finding;
}

Finding finding_of(const Judged& judged, const TensorObservation& tensor,
                   const StateRange* range) {
  Finding finding = finding_of(judged, tensor);
  if (!range) return finding;
  finding.begin = range->begin;
  finding.end = range->end;
  finding.state = name(range->root);
  finding.chain = range->chain;
  finding.step = range->root_step;
  finding.root_rank = range->root_rank;
  return finding;
}

Verdict unknown(std::string_view oracle, std::string reason) {
  return {std::string(oracle), Judgement::kUnknown, std::move(reason), {}};
}

Verdict conclude(std::string_view oracle, std::vector<Finding> findings,
                 std::string_view passed) {
  if (findings.empty()) return {std::string(oracle), Judgement::kPass, std::string(passed), {}};
  std::string summary = failure_summary(findings);
  return {std::string(oracle), Judgement::kFail, std::move(summary), std::move(findings)};
}

Verdict conclude(std::string_view oracle, const JudgedRanks& judged,
                 std::vector<Finding> findings, std::string_view passed) {
  if (judged.ranks.empty())
    return unknown(oracle, judged.left_out.empty()
                               ? "there is no rank to judge"
                               : fmt::format("no rank is judged: {}", judged.left_out));
  Verdict verdict = conclude(oracle, std::move(findings), passed);
  if (!judged.left_out.empty())
    verdict.summary += fmt::format("; not judged: {}", judged.left_out);
  return verdict;
}

}  // namespace loadproof::harness
