// Bytes over steps as paths of an SVG.
//
// Pure functions. Steps stand in the order in which the rank ran them, each turn of a loop for
// itself: in the first half of its place a step has the most that was held within it, in the second
// half what was held after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/memory_view.h"

namespace loadproof::harness {

// Where many steps share a place, the most is that of all, and what is after that of the last.
struct CurvePlace {
  int32_t step = -1;  // the first
  MemoryUse most, after;
  bool operator==(const CurvePlace&) const = default;
};

inline constexpr size_t kPlacesMost = 1000;  // more would stand closer than a pixel

struct Curve {
  std::vector<CurvePlace> places;
  size_t peak = 0;   // the place of the peak
  int64_t most = 0;  // of all bytes in it
};
Curve curve_of(const MemoryObservation& seen, Device device);

// Where curves are drawn. REQUIRES: most > 0.
struct Plot {
  int left = 0, right = 0, top = 0, bottom = 0;
  int64_t most = 1;  // bytes at its top
  double y_of(int64_t bytes) const {
    return bottom - static_cast<double>(bytes) / static_cast<double>(most) * (bottom - top);
  }
  // `within`: 0 is where the place begins, 1 where it ends.
  double x_of(const Curve& curve, size_t place, double within) const {
    const auto places = static_cast<double>(curve.places.size());
    return left + (static_cast<double>(place) + within) / places * (right - left);
  }
};

// REQUIRES: the curve has a place.
std::string line_path(const Curve& curve, const Plot& plot, int64_t MemoryUse::*bytes);
// Of what is resident, closed along the bottom.
std::string area_path(const Curve& curve, const Plot& plot);

// Two to five amounts from 0 on, at most that many bytes, that are few digits long.
std::vector<int64_t> ticks_of(int64_t most);

// Ids of steps, each once, as many as do not run into each other.
struct AxisLabel {
  double x = 0;
  std::string text;
};
std::vector<AxisLabel> axis_labels(const Curve& curve, const Plot& plot, const MemoryView& view);

}  // namespace loadproof::harness
