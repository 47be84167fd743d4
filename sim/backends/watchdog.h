// Limits and stalls: what virtual time makes of a meeting whose members all have come.
//
// A meeting takes place when its last member arrives. Two more mismatches can come of that, both
// fatal, as the watchdog of a real job ends all of it:
//   timeout    one for each member whose own limit was over before the last one arrived
//   transport  a member has asked for a stall: all have posted, and the bytes never move
#pragma once

#include <string_view>

#include "sim/backends/clocks.h"
#include "sim/backends/rendezvous.h"

namespace loadproof::sim {

// Adds the mismatch, or else takes the members' clocks to the time of the meeting.
// REQUIRES: meeting.moves.
void watch(Meeting& meeting, std::string_view group, Clocks& clocks);

}  // namespace loadproof::sim
