#include "sim/schedule.h"

#include "sim/splitmix.h"

namespace loadproof::sim {
namespace {

constexpr uint64_t kStepsBetweenChanges = 8;  // on average

}  // namespace

Schedule::Schedule(uint64_t seed, int ranks) : seed_(seed), state_(seed) {
  for (int rank = 0; rank < ranks; ++rank) priorities_.push_back(draw());
}

uint64_t Schedule::draw() { return splitmix(state_ += kSplitmixStep); }

size_t Schedule::next(const std::deque<int>& ready) {
  if (!by_steps()) return 0;
  auto priority = [&](size_t at) -> uint64_t& {
    return priorities_[static_cast<size_t>(ready[at])];
  };
  size_t best = 0;
  for (size_t at = 1; at < ready.size(); ++at)
    if (priority(at) > priority(best)) best = at;
  if (draw() % kStepsBetweenChanges == 0) priority(best) = draw();
  return best;
}

}  // namespace loadproof::sim
