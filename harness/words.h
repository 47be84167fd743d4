// How messages name ranks, steps, elements and counts, so that all reports speak alike.
//
// Pure functions from values to text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/observation.h"

namespace loadproof::harness {

// "rank 1", "ranks 0..2, 5", "no rank". REQUIRES: sorted, without duplicates.
std::string ranks_text(const std::vector<int>& ranks);
// "1 tensor", "27 tensors".
std::string count_text(int64_t count, std::string_view noun);
// "'hold' (alloc, x.yaml:12)"; "" where there is no such step.
std::string step_text(const Observation& seen, int32_t step);
// "element 7", "elements 0 to 63"; "" of an empty or unknown range.
std::string elements_text(int64_t begin, int64_t end);
// "a, b, c and 4 more".
std::string list_text(const std::vector<std::string>& items, size_t shown);

}  // namespace loadproof::harness
