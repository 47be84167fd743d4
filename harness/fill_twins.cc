#include "harness/fill_twins.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace loadproof::harness {
namespace {

constexpr std::string_view kOracle = "defined";

bool same_place(const Finding& a, const Finding& b) {
  return std::tie(a.rank, a.tensor, a.begin, a.end, a.state) ==
         std::tie(b.rank, b.tensor, b.begin, b.end, b.state);
}

bool agree(const Verdict& a, const Verdict& b) {
  return a.judgement == b.judgement &&
         std::ranges::equal(a.findings, b.findings, same_place);
}

}  // namespace

void FillTwins::check(CaseResult& result) {
  const bool swept = std::ranges::any_of(
      result.plan.axes, [](const auto& axis) { return axis.first == "fill"; });
  auto verdict = std::ranges::find(result.verdicts, kOracle, &Verdict::oracle);
  // Who raises under one fill, as a detector of NaN does, is judged under another alone.
  if (!swept || verdict == result.verdicts.end() || verdict->judgement == Judgement::kUnknown)
    return;
  std::string key = result.plan.scenario;
  for (const auto& [axis, value] : result.plan.axes)
    if (axis != "fill") key += fmt::format("/{}={}", axis, value);
  auto [twin, is_first] = seen_.try_emplace(key, Seen{result.plan.fill, *verdict});
  if (is_first || agree(twin->second.verdict, *verdict)) return;
  result.surprises.push_back(fmt::format(
      "{} must not depend on the fill, but says under '{}': {}; and under '{}': {}", kOracle,
      twin->second.fill, twin->second.verdict.summary, result.plan.fill, verdict->summary));
  result.status = Status::kFail;
}

}  // namespace loadproof::harness
