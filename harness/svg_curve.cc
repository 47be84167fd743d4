#include "harness/svg_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr double kCharacter = 6.6;  // of text of 11 px, at most on average
constexpr double kBetween = 10;
constexpr size_t kLabelCharacters = 24;

void join(CurvePlace& place, const CurvePlace& next) {
  place.most.raise_to(next.most);
  place.after = next.after;
}

// A path that goes through the heights, each for half a place.
std::string steps_path(const Curve& curve, const Plot& plot, int64_t MemoryUse::*bytes) {
  std::string path;
  int64_t at = -1;
  auto go = [&](size_t place, double within, int64_t to) {
    if (to == at) return;
    at = to;
    path += fmt::format("H{:.1f}V{:.1f}", plot.x_of(curve, place, within), plot.y_of(to));
  };
  for (size_t i = 0; i < curve.places.size(); ++i) {
    go(i, 0, curve.places[i].most.*bytes);
    go(i, 0.5, curve.places[i].after.*bytes);
  }
  return path + fmt::format("H{}", plot.right);
}

}  // namespace

Curve curve_of(const MemoryObservation& seen, Device device) {
  std::vector<CurvePlace> all;
  MemoryUse before;
  for (const MemorySample& sample : seen.samples) {
    if (sample.most[device] == before && sample.after[device] == before) continue;
    before = sample.after[device];
    all.push_back({sample.step, sample.most[device], before});
  }
  const MemoryPeak& peak = seen.peaks[device];
  const auto height = peak.most.resident > 0 ? &MemoryUse::resident : &MemoryUse::reserved;
  const auto highest = std::ranges::max_element(
      all, {}, [&](const CurvePlace& place) { return place.most.*height; });
  const size_t share = (all.size() + kPlacesMost - 1) / kPlacesMost;
  Curve curve;
  if (share > 0) curve.peak = static_cast<size_t>(highest - all.begin()) / share;
  for (size_t i = 0; i < all.size(); ++i) {
    curve.most = std::max({curve.most, all[i].most.resident, all[i].most.reserved});
    if (i % share == 0)
      curve.places.push_back(all[i]);
    else
      join(curve.places.back(), all[i]);
  }
  return curve;
}

std::string line_path(const Curve& curve, const Plot& plot, int64_t MemoryUse::*bytes) {
  return fmt::format("M{} {}", plot.left, plot.bottom) + steps_path(curve, plot, bytes);
}

std::string area_path(const Curve& curve, const Plot& plot) {
  return line_path(curve, plot, &MemoryUse::resident) + fmt::format("V{}Z", plot.bottom);
}

std::vector<int64_t> ticks_of(int64_t most) {
  int64_t step = 1;
  while (step <= most / 4) step *= 2;
  std::vector<int64_t> ticks;
  for (int64_t bytes = 0; bytes <= most; bytes += step) ticks.push_back(bytes);
  return ticks;
}

std::vector<AxisLabel> axis_labels(const Curve& curve, const Plot& plot, const MemoryView& view) {
  std::vector<AxisLabel> labels;
  std::set<int32_t> told;
  double free = plot.left;
  for (size_t i = 0; i < curve.places.size(); ++i) {
    const int32_t step = curve.places[i].step;
    if (step < 0 || static_cast<size_t>(step) >= view.steps.size()) continue;
    const std::string text = shortened(view.steps[static_cast<size_t>(step)].id, kLabelCharacters);
    const double x = plot.x_of(curve, i, 0);
    const double end = x + kCharacter * static_cast<double>(characters_of(text));
    if (x < free || end > plot.right || !told.insert(step).second) continue;
    labels.push_back({x, text});
    free = end + kBetween;
  }
  return labels;
}

}  // namespace loadproof::harness
