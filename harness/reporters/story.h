// What went wrong in a case, as a person would tell it: shared by console, JUnit and annotations.
//
// Pure functions. Lines end with a newline and are indented by two spaces a level.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/reporters/reporter.h"

namespace loadproof::harness {

inline constexpr size_t kTensorsShown = 8;  // a rank
inline constexpr size_t kRanksShown = 4;    // an oracle

// The findings of one verdict, by rank and tensor, each with state, chain and steps.
std::string tell_findings(const Observation& seen, const Verdict& verdict);

// What surprised, then the findings of the oracles that did, then the replay line.
std::string tell_failure(const CaseResult& result);

// The oracle that a surprise is about; nullptr: it is about none.
const Verdict* verdict_of_surprise(const CaseResult& result, std::string_view surprise);

// The oracles that failed, as expected or not.
std::vector<std::string> failed_oracles(const CaseResult& result);

// "480 ms", "3.4 s"
std::string time_text(double seconds);

}  // namespace loadproof::harness
