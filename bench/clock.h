// The clock of benchmarks that time parts of a turn by themselves.
#pragma once

#include <chrono>

namespace loadproof::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace loadproof::bench
