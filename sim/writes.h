// How often each element of a storage has been written.
//
// A value, kept beside the states of a storage where a case limits writes. What nobody has written,
// and zeros that the kernel gives lazily, are no write.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/state.h"

namespace loadproof::sim {

// What the origin of zeros says that nobody has touched.
inline constexpr std::string_view kLazyZeros = "alloc as zeros_lazy";

inline bool is_written(const Origin& origin) {
  return origin.kind != StateKind::kMeta && origin.kind != StateKind::kUndefined &&
         origin.what != kLazyZeros;
}

class WriteCounts {
 public:
  explicit WriteCounts(int64_t elements);
  // REQUIRES: 0 <= begin <= end <= elements.
  void add(int64_t begin, int64_t end);
  struct Stretch {
    int64_t begin = 0, end = 0;  // elements
    int64_t writes = 0;
    bool operator==(const Stretch&) const = default;
  };
  // In order; neighbours differ in `writes`; they cover all elements.
  const std::vector<Stretch>& stretches() const { return stretches_; }
  int64_t elements() const { return stretches_.empty() ? 0 : stretches_.back().end; }

 private:
  std::vector<Stretch> stretches_;
};

}  // namespace loadproof::sim
