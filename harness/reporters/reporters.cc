#include "harness/reporters/reporters.h"

#include "harness/reporters/table.h"

namespace loadproof::harness {
namespace {

constexpr ReporterInfo kReporters[] = {
    {"console", "What a person reads: a line a case, the story of each failure, a summary.",
     [](const ReporterOptions& options) { return options.out != nullptr; }, make_console},
    {"annotations", "Failures as annotations of a GitHub workflow, beside the scenario's line.",
     [](const ReporterOptions& options) { return options.out != nullptr && options.annotations; },
     make_annotations},
    {"json", "Everything that was observed and judged, for programs (--json FILE).",
     [](const ReporterOptions& options) { return !options.json.empty(); }, make_json},
    {"lines", "The same of each case as it ends, for the process that shared the cases out.",
     [](const ReporterOptions& options) { return options.lines != nullptr; }, make_lines},
    {"junit", "Results as CI systems show them (--junit FILE).",
     [](const ReporterOptions& options) { return !options.junit.empty(); }, make_junit},
};

}  // namespace

std::string_view name(Status status) {
  switch (status) {
    case Status::kPass: return "pass";
    case Status::kFail: return "fail";
    case Status::kSkip: return "skip";
    case Status::kError: return "error";
  }
  return "";
}

std::span<const ReporterInfo> reporters() { return kReporters; }

Result<std::vector<std::unique_ptr<Reporter>>> make_reporters(const ReporterOptions& options) {
  std::vector<std::unique_ptr<Reporter>> made;
  for (const ReporterInfo& info : kReporters) {
    if (!info.wanted(options)) continue;
    auto one = info.make(options);
    if (!one) return tl::make_unexpected(one.error());
    made.push_back(std::move(*one));
  }
  return made;
}

}  // namespace loadproof::harness
