// What a person reads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ostream>

#include "harness/reporters/story.h"
#include "harness/reporters/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr std::string_view kRed = "31", kGreen = "32", kYellow = "33", kDim = "2";

class Console : public Reporter {
 public:
  explicit Console(const ReporterOptions& options) : options_(options), out_(*options.out) {}

  void begin(size_t cases) override {
    cases_ = cases;
    show_progress();
  }

  void add(const CaseResult& result) override {
    clear_progress();
    ++done_;
    out_ << line_of(result) << '\n';
    if (result.status == Status::kFail || result.status == Status::kError)
      out_ << tell_failure(result);
    else if (options_.verbose)
      out_ << tell_verdicts(result);
    if (result.seconds > slowest_) {
      slowest_ = result.seconds;
      slowest_id_ = result.plan.id;
    }
    if (result.status == Status::kFail || result.status == Status::kError)
      failed_.push_back(result.plan.id);
    show_progress();
    out_.flush();
  }

  Result<void> end(const RunSummary& summary) override {
    clear_progress();
    if (!failed_.empty() && done_ > 1) {
      out_ << "failed:\n";
      for (const std::string& id : failed_) out_ << "  " << id << '\n';
    }
    out_ << summary_of(summary) << '\n';
    out_.flush();
    return {};
  }

 private:
  ReporterOptions options_;
  std::ostream& out_;
  size_t cases_ = 0, done_ = 0;
  double slowest_ = -1;
  std::string slowest_id_;
  std::vector<std::string> failed_;

  std::string painted(std::string_view text, std::string_view colour) const {
    if (!options_.colour) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", colour, text);
  }

  std::string line_of(const CaseResult& result) const {
    switch (result.status) {
      case Status::kPass: {
        const std::vector<std::string> caught = failed_oracles(result);
        return painted("pass", kGreen) + "  " + result.plan.id +
               (caught.empty() ? ""
                               : painted(fmt::format("  (caught by {})", fmt::join(caught, ", ")),
                                         kDim));
      }
      case Status::kFail: return painted("FAIL", kRed) + "  " + result.plan.id;
      case Status::kSkip:
        return painted("skip", kYellow) + "  " + result.plan.id +
               (result.error.empty() ? "" : "  (" + result.error + ")");
      case Status::kError: return painted("ERROR", kRed) + " " + result.plan.id;
    }
    return "";
  }

  static std::string tell_verdicts(const CaseResult& result) {
    std::string text;
    for (const Verdict& verdict : result.verdicts)
      text += verdict.findings.empty()
                  ? fmt::format("  {}: {}: {}\n", verdict.oracle, name(verdict.judgement),
                                verdict.summary)
                  : tell_findings(result.observation, verdict);
    return text;
  }

  std::string summary_of(const RunSummary& summary) const {
    const int64_t all = summary.passed + summary.failed + summary.skipped + summary.errors;
    std::string text = fmt::format("{}: {} passed", count_text(all, "case"), summary.passed);
    if (summary.failed > 0)
      text += ", " + painted(fmt::format("{} failed", summary.failed), kRed);
    if (summary.errors > 0)
      text += ", " + painted(fmt::format("{} could not run", summary.errors), kRed);
    if (summary.skipped > 0)
      text += ", " + painted(fmt::format("{} skipped", summary.skipped), kYellow);
    text += " in " + time_text(summary.seconds);
    if (all > 1 && slowest_ >= 0)
      text += painted(fmt::format("; slowest {} {}", time_text(slowest_), slowest_id_), kDim);
    return text;
  }

  void show_progress() {
    if (!options_.terminal || done_ >= cases_) return;
    const size_t width = fmt::formatted_size("{}", cases_);
    out_ << fmt::format("[{:>{}}/{}] {}", done_, width, cases_,
                        failed_.empty() ? "" : fmt::format("{} failed", failed_.size()));
    out_.flush();
  }

  void clear_progress() {
    if (options_.terminal) out_ << "\r\x1b[K";
  }
};

}  // namespace

Result<std::unique_ptr<Reporter>> make_console(const ReporterOptions& options) {
  return std::make_unique<Console>(options);
}

}  // namespace loadproof::harness
