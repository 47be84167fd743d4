// Failures as annotations of a GitHub workflow.
//
// Format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
#include <fmt/format.h>

#include <ostream>

#include "harness/reporters/story.h"
#include "harness/reporters/table.h"

namespace loadproof::harness {
namespace {

std::string escaped(std::string_view text, bool property) {
  std::string safe;
  for (char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
      safe += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      safe += c;
  }
  return safe;
}

class Annotations : public Reporter {
 public:
  explicit Annotations(std::ostream& out) : out_(out) {}

  void add(const CaseResult& result) override {
    if (result.status == Status::kError) write(result, {result.plan.scenario, 1, 1}, result.error);
    if (result.status != Status::kFail) return;
    for (const std::string& surprise : result.surprises)
      write(result, place_of(result, surprise), surprise + "\nreplay: " + result.replay);
  }

  Result<void> end(const RunSummary&) override {
    out_.flush();
    return {};
  }

 private:
  std::ostream& out_;

  void write(const CaseResult& result, const Where& where, std::string_view message) {
    out_ << fmt::format("::error file={},line={},title={}::{}\n", escaped(where.file, true),
                        where.line, escaped(result.plan.id, true), escaped(message, false));
  }

  // The expectation's own line, else that of the step that is to blame, else the scenario's first.
  static Where place_of(const CaseResult& result, std::string_view surprise) {
    const Verdict* verdict = verdict_of_surprise(result, surprise);
    if (verdict) {
      auto expected = result.plan.expect.find(verdict->oracle);
      if (expected != result.plan.expect.end() && expected->second.where.line > 0)
        return expected->second.where;
      for (const Finding& finding : verdict->findings)
        for (int32_t step : {finding.blamed_step, finding.step}) {
          if (step < 0 || static_cast<size_t>(step) >= result.observation.steps.size()) continue;
          const StepLabel& label = result.observation.steps[static_cast<size_t>(step)];
          if (label.line > 0) return {label.file, label.line, 1};
        }
    }
    return {result.plan.scenario, 1, 1};
  }
};

}  // namespace

Result<std::unique_ptr<Reporter>> make_annotations(const ReporterOptions& options) {
  return std::make_unique<Annotations>(*options.out);
}

}  // namespace loadproof::harness
