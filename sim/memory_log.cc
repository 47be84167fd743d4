#include "sim/memory_log.h"

#include <algorithm>
#include <utility>

namespace loadproof::sim {

void MemoryLog::begin(int32_t step) {
  step_ = step;
  most_ = now_;
}

int MemoryLog::add(int slot, Device device) {
  storages_.push_back({.slot = slot, .device = device, .now = {}});
  return static_cast<int>(storages_.size()) - 1;
}

void MemoryLog::set(int storage, MemoryUse to) {
  Storage& changed = storages_[static_cast<size_t>(storage)];
  if (changed.now == to) return;
  MemoryUse& now = now_[changed.device];
  if (changed.device == Device::kCpu)
    touched_ += std::max<int64_t>(0, to.resident - changed.now.resident);
  now -= changed.now;
  now += to;
  changed.now = to;
  most_[changed.device].raise_to(now);
  changes_.push_back({step_, storage, to});
}

void MemoryLog::end() {
  const bool same = !samples_.empty() && samples_.back().after == now_ && most_ == now_;
  if (same || (samples_.empty() && most_ == ByDevice<MemoryUse>{})) return;
  samples_.push_back({.step = step_, .most = most_, .after = now_});
}

void MemoryLog::note_committed(int64_t committed) {
  if (!samples_.empty()) samples_.back().committed = committed;
}

// The change after which the most was resident, or reserved where nothing ever is resident; -1: the
// device was never used.
int64_t MemoryLog::find_peak(Device device) const {
  std::vector<MemoryUse> held(storages_.size());
  MemoryUse now;
  std::pair<int64_t, int64_t> most{0, 0};
  int64_t at = -1;
  for (int64_t i = 0; i < next(); ++i) {
    const Change& change = changes_[static_cast<size_t>(i)];
    const auto storage = static_cast<size_t>(change.storage);
    if (storages_[storage].device != device) continue;
    now -= held[storage];
    now += change.to;
    held[storage] = change.to;
    const std::pair height{now.resident, now.reserved};
    if (height <= most) continue;
    most = height;
    at = i;
  }
  return at;
}

MemoryPeak MemoryLog::peak_of(Device device, const std::vector<TensorSpec>& specs) const {
  MemoryPeak peak;
  const int64_t at = find_peak(device);
  if (at < 0) return peak;
  peak.step = changes_[static_cast<size_t>(at)].step;
  std::vector<MemoryUse> held(storages_.size());
  for (int64_t i = 0; i <= at; ++i)
    held[static_cast<size_t>(changes_[static_cast<size_t>(i)].storage)] =
        changes_[static_cast<size_t>(i)].to;
  for (size_t i = 0; i < storages_.size(); ++i) {
    const Storage& storage = storages_[i];
    if (storage.device != device || held[i] == MemoryUse{}) continue;
    const TensorSpec& spec = specs[static_cast<size_t>(storage.slot)];
    const bool stays = storage.now.reserved > 0 && spec.kind != TensorKind::kScratch;
    peak.most += held[i];
    peak.standing.push_back({spec.name, held[i], stays || storage.last_read > at});
  }
  std::ranges::stable_sort(peak.standing, std::ranges::greater{}, [](const Standing& one) {
    return std::pair(one.bytes.resident, one.bytes.reserved);
  });
  return peak;
}

MemoryObservation MemoryLog::observe(int rank, const std::vector<TensorSpec>& specs) const {
  MemoryObservation seen{.ranks = {rank}, .samples = samples_, .peaks = {}};
  for (Device device : {Device::kCpu, Device::kCuda}) seen.peaks[device] = peak_of(device, specs);
  return seen;
}

}  // namespace loadproof::sim
