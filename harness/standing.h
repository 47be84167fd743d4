// Tensors that stand at a peak, many of one name pattern and of equal bytes as one.
//
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/observation.h"

namespace loadproof::harness {

struct Pile {
  std::string name;  // of all, see fold_names.h
  size_t count = 1;
  MemoryUse bytes;  // of each
  bool needed = true;
  MemoryUse all() const {
    const auto times = static_cast<int64_t>(count);
    return {times * bytes.resident, times * bytes.reserved};
  }
  bool operator==(const Pile&) const = default;
};

// The largest together first: by what is resident, then by what is reserved.
std::vector<Pile> piles_of(const std::vector<Standing>& standing);

// Tensors that do not stand alike at two peaks.
struct PileDifference {
  std::string name;
  size_t count = 1;
  std::optional<MemoryUse> here, there;  // of each; nothing: it does not stand there
  int64_t total() const {
    return static_cast<int64_t>(count) *
           (here.value_or(MemoryUse{}).resident - there.value_or(MemoryUse{}).resident);
  }
  bool operator==(const PileDifference&) const = default;
};

// The largest difference first, either way.
std::vector<PileDifference> differences_of(const std::vector<Standing>& here,
                                           const std::vector<Standing>& there);

}  // namespace loadproof::harness
