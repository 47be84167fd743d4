// The seam of reports: a reporter is told of each case as it ends, and of the end.
//
// Values only: CaseResult is all that there is to know. Adding one is one file and one row in
// reporters(). Reporters are called from one thread, in the order of the plan.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/case.h"
#include "harness/oracles/oracle.h"
#include "sim/observation.h"
#include "sim/result.h"

namespace loadproof::harness {

enum class Status : uint8_t { kPass, kFail, kSkip, kError /* could not be run: bad input */ };

struct CaseResult {
  Case plan;
  Status status = Status::kError;
  Observation observation;
  std::vector<Verdict> verdicts;        // one an oracle, in table order
  std::vector<std::string> surprises;   // where verdicts and expectations part; empty when passed
  std::string error;                    // of kError and kSkip
  double seconds = 0;                   // never part of what is compared
  std::string replay;                   // the command line that runs exactly this case again
};

std::string_view name(Status status);

struct RunSummary {
  int64_t passed = 0, failed = 0, skipped = 0, errors = 0;
  double seconds = 0;
};

class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void begin(size_t cases) { (void)cases; }
  virtual void add(const CaseResult& result) = 0;
  // An error tells what could not be written.
  virtual Result<void> end(const RunSummary& summary) = 0;
};

}  // namespace loadproof::harness
