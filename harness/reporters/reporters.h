// Which reporters there are, and those that a command line asks for.
//
// Files are opened when their reporter is made, so that a path nobody can write to is told before
// anything runs.
#pragma once

#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/reporters/reporter.h"
#include "sim/result.h"

namespace loadproof::harness {

struct ReporterOptions {
  std::ostream* out = nullptr;  // of console and annotations; nullptr: neither
  bool terminal = false;        // a person watches: progress
  bool colour = false;
  bool verbose = false;         // the story of expected failures, too
  std::ostream* lines = nullptr;  // each case as a line of JSON
  std::string json;             // files; "" = none
  std::string junit;
  bool annotations = false;     // lines that a GitHub workflow shows beside the scenario
};

struct ReporterInfo {
  std::string_view name;
  std::string_view about;
  bool (*wanted)(const ReporterOptions&);
  Result<std::unique_ptr<Reporter>> (*make)(const ReporterOptions&);
};

std::span<const ReporterInfo> reporters();
Result<std::vector<std::unique_ptr<Reporter>>> make_reporters(const ReporterOptions& options);

// Reads a line of the reporter `lines` back into a result of this case, whose `plan` it takes,
// since the line does not hold programs. An error: no such line, or one of another case.
Result<CaseResult> read_json_line(std::string_view line, const Case& plan);

// An observation from one process to another: as in the report, and what twins are compared by.
std::string write_observation(const Observation& seen);
Result<Observation> read_observation(std::string_view text);

// What the case held, as a line of JSON: steps, peaks and memory as the report of a run has them.
std::string memory_json(const Case& plan, const Observation& seen);

}  // namespace loadproof::harness
