// Which of the ranks that can go on takes the next step.
//
// Seed 0: the one that could go on first. Any other: ranks have priorities, drawn by the seed, and
// the highest goes; now and then the one that goes is given another. Bugs of order need few such
// changes at the right places, see PCT, https://doi.org/10.1145/1736020.1736040 . A value; the same
// seed gives the same choices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace loadproof::sim {

class Schedule {
 public:
  Schedule(uint64_t seed, int ranks);
  // Whether ranks take turns after single steps.
  bool by_steps() const { return seed_ > 0; }
  // An index into `ready`, which is not empty and holds ranks.
  size_t next(const std::deque<int>& ready);

 private:
  uint64_t draw();

  uint64_t seed_, state_;
  std::vector<uint64_t> priorities_;  // by rank
};

}  // namespace loadproof::sim
