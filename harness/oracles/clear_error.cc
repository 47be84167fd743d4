// clear_error: who meets an error is told its cause.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "harness/oracles/errors.h"
#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

// How files end that hold a model or a part of one.
constexpr std::string_view kFileEndings[] = {".safetensors", ".bin",  ".pt",     ".pth",
                                             ".gguf",        ".json", ".distcp", ".metadata"};

bool is_of_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_.-/").find(c) != std::string_view::npos;
}

// What may be names of tensors and files, without the dots that end sentences.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto length = std::ranges::find_if_not(text, is_of_a_name) - text.begin();
    std::string_view word = text.substr(0, static_cast<size_t>(length));
    while (word.starts_with('.')) word.remove_prefix(1);
    while (word.ends_with('.')) word.remove_suffix(1);
    if (!word.empty()) words.push_back(word);
    text.remove_prefix(std::min(text.size(), static_cast<size_t>(length) + 1));
  }
  return words;
}

bool is_file(std::string_view word) {
  return std::ranges::any_of(kFileEndings,
                             [&](std::string_view ending) { return word.ends_with(ending); });
}

bool names_a_cause(const Case& plan, const SeenError& error) {
  if (!plan.model.empty() && error.text.find(plan.model) != error.text.npos) return true;
  if (error.rank->points.empty()) return false;
  const Point& point = error.rank->points.back();
  return std::ranges::any_of(words_of(error.text), [&](std::string_view word) {
    return is_file(word) || find_tensor(point, word) != nullptr;
  });
}

Finding vague(const Observation& seen, const SeenError& error) {
  Finding finding = finding_of(error);
  finding.kind = "vague";
  finding.text = fmt::format("{} with a text that names no tensor and no file: {}",
                             in_words(seen, error), error.text);
  return finding;
}

// Of an error at the step whose input must be refused.
void find_unnamed(const Case& plan, const Observation& seen, const SeenError& error,
                  std::vector<Finding>& findings) {
  const std::string_view name = unnamed(*plan.refuse, error);
  if (name.empty()) return;
  Finding finding = finding_of(error);
  finding.kind = "vague";
  finding.text = fmt::format("{} with a text that does not name \"{}\": {}", in_words(seen, error),
                             name, error.text);
  findings.push_back(std::move(finding));
}

// Who must refuse and goes on, or meets another error before.
void find_silent(const Case& plan, const Observation& seen, const std::vector<SeenError>& errors,
                 std::vector<Finding>& findings) {
  const int32_t step = refused_step(plan, seen);
  for (int rank : refusing_ranks(plan, seen)) {
    if (std::ranges::any_of(errors, [&](const SeenError& error) {
          return error.rank->rank == rank && error.step == step && error.raised;
        }))
      continue;
    Finding finding;
    finding.rank = rank;
    finding.step = step;
    finding.kind = "silent";
    finding.text = fmt::format("rank {} raised nothing at {}, whose input must be refused", rank,
                               step_text(seen, step));
    findings.push_back(std::move(finding));
  }
}

// What such a rank says when its patience ends is that it waited; the cause is another's.
Finding hidden(const Observation& seen, const RankObservation& rank, const SeenError& cause) {
  Finding finding;
  finding.rank = rank.rank;
  finding.step = rank.stopped_at;
  finding.kind = "hidden";
  finding.text = fmt::format("rank {} ends by a time-out at {}, which hides that {}: {}", rank.rank,
                             step_text(seen, rank.stopped_at), in_words(seen, cause), cause.text);
  return finding;
}

// Requests after a failed update that read what it left on meta.
void find_late(const Observation& seen, const RankObservation& rank, const FailedUpdate& update,
               std::vector<Finding>& findings) {
  for (size_t i = static_cast<size_t>(update.points); i < rank.points.size(); ++i) {
    const Point& point = rank.points[i];
    if (point.step < 0) continue;
    for (const ChangedTensor& changed : update.changed) {
      const TensorObservation* tensor = find_tensor(point, changed.name);
      if (!tensor || !tensor->meta) continue;
      Finding finding;
      finding.rank = rank.rank;
      finding.tensor = changed.name;
      finding.state = name(StateKind::kMeta);
      finding.step = point.step;
      finding.kind = "late";
      finding.text = fmt::format(
          "rank {}, {}: is on meta for {}, a cause that only the error of update {} told: {}",
          rank.rank, changed.name, step_text(seen, point.step), step_text(seen, update.step),
          update.error);
      findings.push_back(std::move(finding));
    }
  }
}

}  // namespace

Verdict judge_clear_error(const Case& plan, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  const std::vector<SeenError> errors = errors_in(seen);
  for (const SeenError& error : errors) {
    if (plan.refuse && error.step == refused_step(plan, seen))
      find_unnamed(plan, seen, error, findings);
    else if (!names_a_cause(plan, error))
      findings.push_back(vague(seen, error));
  }
  find_silent(plan, seen, errors, findings);
  for (const RankObservation& rank : seen.ranks) {
    const auto cause = std::ranges::find_if(
        errors, [&](const SeenError& error) { return error.raised && error.rank != &rank; });
    if (rank.outcome == Outcome::kBlocked && cause != errors.end())
      findings.push_back(hidden(seen, rank, *cause));
    for (const FailedUpdate& update : rank.failed_updates) find_late(seen, rank, update, findings);
  }
  std::ranges::stable_sort(findings, {}, &Finding::rank);
  return conclude("clear_error", std::move(findings),
                  errors.empty() ? "there is no error" : "every error names its cause");
}

}  // namespace loadproof::harness
