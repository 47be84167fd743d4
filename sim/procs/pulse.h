// The signs of life of rank 0, on connections of their own: a process that is stopped or gone says
// nothing, whatever its other connections have still to give, and the others must not wait for it
// for ever.
//
// One object in each process, with a thread that ends with it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sim/procs/link.h"

namespace loadproof::sim {

// In rank 0: gives signs to all the others.
class PulseGiver {
 public:
  PulseGiver(std::vector<Link> others, std::chrono::milliseconds patience);

 private:
  std::vector<Link> others_;
  std::jthread thread_;
};

// In another rank: calls `lost`, on a thread of its own, once none has come for `patience`, or soon
// after the connection has been closed; the sentence tells which. It is not meant to return.
class PulseWatcher {
 public:
  PulseWatcher(Link first, std::chrono::milliseconds patience,
               std::function<void(const std::string&)> lost);

 private:
  Link first_;
  std::jthread thread_;
};

}  // namespace loadproof::sim
