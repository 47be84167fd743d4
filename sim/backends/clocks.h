// Virtual time: a clock for each rank, in seconds since the run began.
//
// Work that a program asks for moves a rank's clock, and a meeting takes its members along; nothing
// else does, and no clock of the machine is read. So times are the same in every run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loadproof::sim {

class Clocks {
 public:
  explicit Clocks(int ranks) : clocks_(static_cast<size_t>(ranks)) {}
  double now(int rank) const { return of(rank).now; }
  // The rank is at work in this step for so long. REQUIRES: seconds >= 0.
  void work(int rank, double seconds, std::string step);
  // A meeting that took place at `time` lets the rank go on. REQUIRES: time >= now(rank).
  void go_on(int rank, double time);
  // The step in which the rank was at work at `time`, which is after its last meeting; or "".
  std::string_view at_work_in(int rank, double time) const;

 private:
  struct Stretch {
    double end;
    std::string step;
  };
  struct Clock {
    double now = 0;
    std::vector<Stretch> worked;  // since the last meeting, one after the other
  };
  std::vector<Clock> clocks_;

  const Clock& of(int rank) const { return clocks_[static_cast<size_t>(rank)]; }
  Clock& of(int rank) { return clocks_[static_cast<size_t>(rank)]; }
};

}  // namespace loadproof::sim
