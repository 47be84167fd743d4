// Signs of life, on connections of their own between rank 0 and each other rank: a process that is
// stopped or gone gives none, whatever its other connections have still to give, and whatever
// others would say while they wait for it.
//
// One object in each process, with a thread that ends with it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sim/procs/link.h"

namespace loadproof::sim {

// In rank 0: gives signs to all the others, and hears theirs.
class PulseGiver {
 public:
  // `others`: from rank 1 on.
  PulseGiver(std::vector<Link> others, std::chrono::milliseconds patience);
  // For how long none has come from this rank; 0 for rank 0. From any thread.
  std::chrono::milliseconds silence(int rank) const;

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<Link> others_;
  std::vector<std::atomic<Clock::time_point>> heard_;
  std::jthread thread_;
};

// In another rank: gives signs to rank 0, and calls `lost`, on a thread of its own, once none has
// come for `patience`, or soon after the connection has been closed; the sentence tells which. It
// is not meant to return.
class PulseWatcher {
 public:
  PulseWatcher(Link first, std::chrono::milliseconds patience,
               std::function<void(const std::string&)> lost);

 private:
  Link first_;
  std::jthread thread_;
};

// Calls `late`, on a thread of its own, unless it is gone before. That is not meant to return.
class Deadline {
 public:
  Deadline(std::chrono::milliseconds time, std::function<void()> late);

 private:
  std::jthread thread_;
};

}  // namespace loadproof::sim
