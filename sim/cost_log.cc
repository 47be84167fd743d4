#include "sim/cost_log.h"

#include <utility>

namespace loadproof::sim {

Work& Work::operator+=(const Work& other) {
  read += other.read;
  reads += other.reads;
  saved += other.saved;
  moved += other.moved;
  touched += other.touched;
  seconds += other.seconds;
  return *this;
}

void CostLog::held(const ByDevice<MemoryUse>& most, int32_t step) {
  Epoch& epoch = epochs_.back();
  for (Device device : {Device::kCpu, Device::kCuda}) {
    const int64_t growth = most[device].resident - epoch.most[device].resident;
    if (growth > 0) epoch.step_of_most[device] = step;
    if (growth > growth_[device]) {
      growth_[device] = growth;
      epoch.step_of_growth[device] = step;
    }
    epoch.most[device].raise_to(most[device]);
  }
}

void CostLog::meet(Meet with, const ByDevice<MemoryUse>& now) {
  const int32_t step = with.step;
  epochs_.back().meet = std::move(with);
  Epoch& next = epochs_.emplace_back();
  next.most = now;
  next.step_of_most = next.step_of_growth = {{step, step}};
  growth_ = {};
}

}  // namespace loadproof::sim
