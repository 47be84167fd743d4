// `variants` and `sweep` of a scenario → axes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/scenario.h"

namespace loadproof::harness {

inline constexpr std::string_view kVariantAxis = "variant";

Axis parse_variants(const Node& node, const Where& where, Diagnostics& diagnostics);
std::vector<Axis> parse_sweep(const Node& node, Diagnostics& diagnostics);
// The axis of `fill: all`.
Axis all_fills(const Where& where);

// Calls `visit` with the chosen option of each axis, for every case in order, the last axis
// fastest; stops when it returns false.
void for_each_choice(const std::vector<Axis>& axes,
                     const std::function<bool(const std::vector<size_t>&)>& visit);
// How many cases there are, at most kCasesMax + 1.
size_t case_count(const std::vector<Axis>& axes);
// (axis, label) of a choice.
std::vector<std::pair<std::string, std::string>> labels_of(const std::vector<Axis>& axes,
                                                           const std::vector<size_t>& choice);

}  // namespace loadproof::harness
