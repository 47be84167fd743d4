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

// "0..2, 5". With `shown`, at most as many parts, then "0..2, 5 and 2045 more". REQUIRES: sorted,
// without duplicates.
std::string numbers_text(const std::vector<int>& numbers, size_t shown = SIZE_MAX);

// "rank 1", "ranks 0..2, 5", "no rank". REQUIRES: as of numbers_text.
std::string ranks_text(const std::vector<int>& ranks, size_t shown = SIZE_MAX);

// "3.253 GiB", "17 B"; REQUIRES: not negative.
std::string bytes_text(int64_t bytes);

// At most so many characters: of a longer text the middle is left out, "model.lay…weight".
std::string shortened(std::string_view text, size_t characters);
// How many there are: UTF-8 has up to four bytes for one.
size_t characters_of(std::string_view text);
// "1 tensor", "27 tensors".
std::string count_text(int64_t count, std::string_view noun);
// "'hold' (alloc, x.yaml:12)"; "" where there is no such step.
std::string step_text(const Observation& seen, int32_t step);
// "element 7", "elements 0 to 63"; "" of an empty or unknown range.
std::string elements_text(int64_t begin, int64_t end);
// "a, b, c and 4 more".
std::string list_text(const std::vector<std::string>& items, size_t shown);

}  // namespace loadproof::harness
