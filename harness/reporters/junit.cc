// Results as CI systems show them.
//
// Format: the JUnit XML that Jenkins, GitLab and GitHub's actions read:
// https://github.com/testmoapp/junitxml . One suite a scenario file.
#include <fmt/format.h>

#include <map>

#include "harness/reporters/output_file.h"
#include "harness/reporters/story.h"
#include "harness/reporters/table.h"
#include "harness/xml_text.h"

namespace loadproof::harness {
namespace {

struct Suite {
  int64_t tests = 0, failures = 0, errors = 0, skipped = 0;
  double seconds = 0;
  std::string cases;
};

class JUnit : public Reporter {
 public:
  explicit JUnit(OutputFile file) : file_(std::move(file)) {}

  void add(const CaseResult& result) override {
    auto [entry, is_new] = suites_.try_emplace(result.plan.scenario);
    if (is_new) order_.push_back(result.plan.scenario);
    Suite& suite = entry->second;
    ++suite.tests;
    suite.failures += result.status == Status::kFail;
    suite.errors += result.status == Status::kError;
    suite.skipped += result.status == Status::kSkip;
    suite.seconds += result.seconds;
    suite.cases += case_of(result);
  }

  Result<void> end(const RunSummary& summary) override {
    const int64_t tests = summary.passed + summary.failed + summary.skipped + summary.errors;
    file_.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    file_.write(fmt::format(
        "<testsuites name=\"loadproof\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
        "time=\"{:.6f}\">\n", tests, summary.failed, summary.errors, summary.skipped,
        summary.seconds));
    for (const std::string& name : order_) {
      const Suite& suite = suites_.at(name);
      file_.write(fmt::format(
          "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
          "time=\"{:.6f}\">\n{}  </testsuite>\n", xml_text(name), suite.tests, suite.failures,
          suite.errors, suite.skipped, suite.seconds, suite.cases));
    }
    file_.write("</testsuites>\n");
    return file_.finish();
  }

 private:
  OutputFile file_;
  std::map<std::string, Suite> suites_;
  std::vector<std::string> order_;

  static std::string property(std::string_view name, std::string_view value) {
    return fmt::format("        <property name=\"{}\" value=\"{}\"/>\n", xml_text(name),
                       xml_text(value));
  }

  static std::string properties_of(const CaseResult& result) {
    std::string text;
    for (const auto& [axis, value] : result.plan.axes) text += property(axis, value);
    text += property("replay", result.replay);
    text += property("fingerprint", fmt::format("{:016x}", result.observation.fingerprint));
    for (const Verdict& verdict : result.verdicts)
      text += property("oracle." + verdict.oracle, name(verdict.judgement));
    return fmt::format("      <properties>\n{}      </properties>\n", text);
  }

  static std::string case_of(const CaseResult& result) {
    std::string text =
        fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\">\n{}",
                    xml_text(result.plan.scenario), xml_text(result.plan.id), result.seconds,
                    properties_of(result));
    if (result.status == Status::kFail)
      text += fmt::format("      <failure message=\"{}\">{}</failure>\n",
                          xml_text(result.surprises.empty() ? "" : result.surprises.front()),
                          xml_text(tell_failure(result)));
    if (result.status == Status::kError)
      text += fmt::format("      <error message=\"{}\"/>\n", xml_text(result.error));
    if (result.status == Status::kSkip)
      text += fmt::format("      <skipped message=\"{}\"/>\n", xml_text(result.error));
    return text + "    </testcase>\n";
  }
};

}  // namespace

Result<std::unique_ptr<Reporter>> make_junit(const ReporterOptions& options) {
  auto file = OutputFile::create(options.junit);
  if (!file) return tl::make_unexpected(file.error());
  return std::make_unique<JUnit>(std::move(*file));
}

}  // namespace loadproof::harness
