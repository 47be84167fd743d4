// LOADPROOF_END_AT: a rank that ends itself at a moment of its way, for tests of what becomes of
// the others. Only `run --processes` reads it.
//
//   RANK                                       before it joins the others
//   RANK:STEP                                  as it first begins the step with this id
//   RANK:STEP:waiting, :moving or :moved       there, see sim/procs/at_moment.h
//   RANK:…:stop                                it does not end, but is stopped, as by SIGSTOP
//   RANK:…:hang                                or waits for ever, while its other threads go on
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/launch_env.h"

namespace loadproof::harness {

struct EndAt {
  int rank = 0;
  std::string step, moment;  // no step: before it joins
  enum class How : uint8_t { kDies, kStops, kHangs } how = How::kDies;
  bool operator==(const EndAt&) const = default;
};

// Nothing where the variable is not set.
Result<std::optional<EndAt>> read_end_at(const Environment& environment);

// Ends or stops this process where it is meant.
void end_where(const std::optional<EndAt>& end, int rank, std::string_view step,
               std::string_view moment);

}  // namespace loadproof::harness
