// The errors of a run, one after the other: what ended a rank, and what ended an update on one.
//
// What is returned points into the observation. Dying in sampling is no error here: `finite` judges
// it.
#pragma once

#include <string_view>
#include <vector>

#include "harness/oracles/oracle.h"

namespace loadproof::harness {

struct SeenError {
  const RankObservation* rank = nullptr;
  const FailedUpdate* update = nullptr;  // that it ended; nullptr: it ended the rank
  int32_t step = -1;                     // at which it came up
  std::string_view text;
  bool raised = true;  // by the rank itself; false: its transport aborted it
};

// Whether the program has the rank run the step of this index: it and all steps around it are the
// rank's own.
bool runs(const Case& plan, int32_t step, int rank);

// Whether the case wants this very error: at its step, on its ranks, with its names.
bool is_refusal(const Case& plan, const Observation& seen, const SeenError& error);
// The ranks that must raise at the step of `refuse`; none where the case has no such.
std::vector<int> refusing_ranks(const Case& plan, const Observation& seen);
// The flat index of that step; -1: there is none.
int32_t refused_step(const Case& plan, const Observation& seen);
// The first of the names that the error must tell and does not; empty: it tells all.
std::string_view unnamed(const Refusal& refusal, const SeenError& error);

// By rank, and of a rank in the order in which they came.
std::vector<SeenError> errors_in(const Observation& seen);

// A finding at the error's rank and step; the caller adds kind and text.
Finding finding_of(const SeenError& error);

// "rank 1 raised at 'load' (read, x.yaml:4)".
std::string in_words(const Observation& seen, const SeenError& error);

}  // namespace loadproof::harness
