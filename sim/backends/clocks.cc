#include "sim/backends/clocks.h"

#include <utility>

#include "sim/check.h"

namespace loadproof::sim {

void Clocks::work(int rank, double seconds, std::string step) {
  SIM_CHECK(seconds >= 0, "{} s of work", seconds);
  Clock& clock = of(rank);
  clock.now += seconds;
  clock.worked.push_back({clock.now, std::move(step)});
}

void Clocks::go_on(int rank, double time) {
  Clock& clock = of(rank);
  SIM_CHECK(time >= clock.now, "rank {} would go back from {} s to {} s", rank, clock.now, time);
  clock = {time, {}};
}

std::string_view Clocks::at_work_in(int rank, double time) const {
  for (const Stretch& stretch : of(rank).worked)
    if (stretch.end > time) return stretch.step;
  return "";
}

}  // namespace loadproof::sim
