#include "sim/gathered.h"

#include <algorithm>
#include <utility>

namespace loadproof::sim {

MismatchObservation observation_of(const Mismatch& mismatch) {
  return {mismatch.kind,  mismatch.fatal,   mismatch.text,
          mismatch.ranks, mismatch.tensors, mismatch.step};
}

WaitObservation observation_of(const Waiting& waiting) {
  return {waiting.rank,  waiting.step,     waiting.op,      waiting.tensor,
          waiting.group, waiting.sequence, waiting.missing, waiting.text};
}

void add_vacuous(std::vector<VacuousObservation>& known, VacuousObservation seen) {
  for (VacuousObservation& other : known)
    if (other.step == seen.step && other.kind == seen.kind && other.text == seen.text) {
      if (std::ranges::find(other.ranks, seen.ranks[0]) == other.ranks.end())
        other.ranks.push_back(seen.ranks[0]);
      return;
    }
  known.push_back(std::move(seen));
}

}  // namespace loadproof::sim
