// Who waits for whom, in words, with the cycles named.
//
// A gathering is the first meeting of a group that is not over: a group has at most one, and
// whoever is in it waits. A gathering waits for another when one of its missing members sits in the
// other; a cycle of such is a deadlock. Pure; linear in the members of all gatherings, the lists it
// returns of missing members apart.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/backends/rendezvous.h"

namespace loadproof::sim {

struct Gathering {
  std::string group;
  int64_t sequence = 0;
  std::vector<const Call*> present;  // at least one, or all were aborted
  std::vector<int> missing;          // ranks that have not come, or were aborted
  std::string why;                   // of a meeting that was fatal: what keeps it
};

WaitReport wait_report(std::vector<Gathering> gatherings, std::span<const std::string> whereabouts);

}  // namespace loadproof::sim
