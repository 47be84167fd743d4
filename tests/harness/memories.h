// What ranks held, made by hand: what tests of tables and pictures of memory are fed with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/memory_view.h"
#include "tests/harness/observations.h"

namespace loadproof::harness::testing {

inline constexpr int64_t kKiB = 1024;

// After the step the rank has `after`, and within it no more, unless a test says so.
inline MemorySample sample(int32_t step, MemoryUse after, Device device = Device::kCpu) {
  MemorySample made{.step = step};
  made.after[device] = made.most[device] = after;
  return made;
}

// The peak is at the sample with the most resident; `standing` is what stood there.
inline MemoryObservation held(std::vector<int> ranks, std::vector<MemorySample> samples,
                              std::vector<Standing> standing = {}) {
  MemoryObservation made{.ranks = std::move(ranks), .samples = std::move(samples), .peaks = {}};
  for (Device device : {Device::kCpu, Device::kCuda})
    for (const MemorySample& one : made.samples) {
      MemoryPeak& peak = made.peaks[device];
      const MemoryUse& most = one.most[device];
      if (std::pair(most.resident, most.reserved) <=
          std::pair(peak.most.resident, peak.most.reserved))
        continue;
      peak.most = most;
      peak.step = one.step;
    }
  made.peaks[Device::kCpu].standing = std::move(standing);
  return made;
}

inline MemoryUse kib(int64_t resident, int64_t reserved = -1) {
  return {resident * kKiB, (reserved < 0 ? resident : reserved) * kKiB};
}

inline Standing stands(std::string tensor, MemoryUse bytes, bool needed = true) {
  return {std::move(tensor), bytes, needed};
}

inline PeakObservation peak(PeakObservation::Holder holder, int index, MemoryUse most, int32_t step,
                            int rank) {
  return {.holder = holder,
          .index = index,
          .resident = most.resident,
          .reserved = most.reserved,
          .step = step,
          .rank = rank,
          .rises = {{step, rank, most}}};
}

inline Observation holding(std::vector<MemoryObservation> memory,
                           std::vector<PeakObservation> peaks = {}) {
  Observation seen;
  seen.steps = step_labels();
  seen.memory = std::move(memory);
  seen.peaks = std::move(peaks);
  return seen;
}

inline MemoryView view_of(const Observation& seen, std::string id = "x.yaml/variant=a") {
  Case plan;
  plan.id = std::move(id);
  return memory_view(plan, seen);
}

}  // namespace loadproof::harness::testing
