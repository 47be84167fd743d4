#include "harness/reporters/story.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

// Findings of one tensor on one rank; the first is told in full.
struct Place {
  const Finding* first;
  size_t findings;
};

std::vector<Place> places_of(const std::vector<const Finding*>& findings) {
  std::vector<Place> places;
  std::map<std::string_view, size_t> index;
  for (const Finding* finding : findings) {
    if (finding->tensor.empty()) {
      places.push_back({finding, 1});
      continue;
    }
    auto [entry, is_new] = index.emplace(finding->tensor, places.size());
    if (is_new)
      places.push_back({finding, 1});
    else
      ++places[entry->second].findings;
  }
  // What is of no tensor, such as the logits themselves, is told first: it is what went wrong.
  std::stable_partition(places.begin(), places.end(),
                        [](const Place& place) { return place.first->tensor.empty(); });
  return places;
}

std::string line_of(const Place& place) {
  const Finding& finding = *place.first;
  std::string text = "    " + finding.text;
  const std::string elements = elements_text(finding.begin, finding.end);
  if (finding.text.find(elements) == std::string::npos) text += ", " + elements;
  if (place.findings > 1)
    text += fmt::format(" (and {})", count_text(static_cast<int64_t>(place.findings) - 1,
                                                "further range"));
  return text + "\n";
}

// How the bytes came to be and who should have written them.
std::string explanation_of(const Observation& seen, const Finding& finding) {
  std::string text;
  if (!finding.state.empty() || !finding.chain.empty())
    text += fmt::format("      {}{}{}\n", finding.state,
                        finding.state.empty() || finding.chain.empty() ? "" : ": ", finding.chain);
  const std::string step = step_text(seen, finding.step);
  if (!step.empty() && finding.chain.empty()) text += fmt::format("      at step {}\n", step);
  const std::string blamed = step_text(seen, finding.blamed_step);
  if (!blamed.empty())
    text +=
        fmt::format("      should have been written by step {}, in which rank {} took no part\n",
                    blamed, finding.rank);
  return text;
}

// Neighbours with the same explanation share it, below the last of them.
std::string tell_rank(const Observation& seen, const std::vector<const Finding*>& findings) {
  std::string text, explanation;
  size_t tensors = 0;
  for (const Place& place : places_of(findings)) {
    const bool of_tensor = !place.first->tensor.empty();
    if (of_tensor && ++tensors > kTensorsShown) continue;
    std::string own = explanation_of(seen, *place.first);
    if (own != explanation) text += explanation;
    explanation = std::move(own);
    text += line_of(place);
  }
  text += explanation;
  if (tensors > kTensorsShown)
    text += fmt::format("    … and {} more (--json has all)\n",
                        count_text(static_cast<int64_t>(tensors - kTensorsShown), "tensor"));
  return text;
}

}  // namespace

std::string tell_findings(const Observation& seen, const Verdict& verdict) {
  std::map<int, std::vector<const Finding*>> by_rank;
  for (const Finding& finding : verdict.findings) by_rank[finding.rank].push_back(&finding);
  std::string text = fmt::format("  {}: {}\n", verdict.oracle, verdict.summary);
  size_t shown = 0;
  std::vector<int> hidden;
  for (const auto& [rank, findings] : by_rank) {
    if (shown++ < kRanksShown)
      text += tell_rank(seen, findings);
    else
      hidden.push_back(rank);
  }
  if (!hidden.empty())
    text += fmt::format("    … and {} (--json has all)\n", ranks_text(hidden));
  return text;
}

const Verdict* verdict_of_surprise(const CaseResult& result, std::string_view surprise) {
  for (const Verdict& verdict : result.verdicts)
    if (surprise.starts_with(verdict.oracle + " ")) return &verdict;
  return nullptr;
}

std::string tell_failure(const CaseResult& result) {
  std::string text;
  if (!result.error.empty()) text += fmt::format("  {}\n", result.error);
  std::set<std::string_view> told;
  for (const std::string& surprise : result.surprises) text += fmt::format("  {}\n", surprise);
  for (const std::string& surprise : result.surprises) {
    const Verdict* verdict = verdict_of_surprise(result, surprise);
    if (!verdict || verdict->findings.empty() || !told.insert(verdict->oracle).second) continue;
    text += tell_findings(result.observation, *verdict);
  }
  const std::string& waits = result.observation.wait_report;
  if (!waits.empty() && !told.empty()) {
    text += "  who waits for whom:\n";
    for (size_t begin = 0; begin < waits.size();) {
      const size_t end = std::min(waits.find('\n', begin), waits.size());
      text += fmt::format("    {}\n", waits.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (!result.replay.empty()) text += fmt::format("  replay: {}\n", result.replay);
  return text;
}

std::vector<std::string> failed_oracles(const CaseResult& result) {
  std::vector<std::string> names;
  for (const Verdict& verdict : result.verdicts)
    if (verdict.judgement == Judgement::kFail) names.push_back(verdict.oracle);
  return names;
}

std::string time_text(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  return fmt::format("{:.1f} s", seconds);
}

}  // namespace loadproof::harness
