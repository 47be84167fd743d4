// Pairs of tensors by the names of two patterns: each `*` stands for the same run of characters.
#pragma once

#include <vector>

#include "sim/steps/verb.h"

namespace loadproof::sim {

// Whether both the step's `of` and `partners` are patterns with one `*`.
bool are_paired(const StepContext& context, const Selector& partners);

// For each of the selected slots its partner among those that `partners` means. Where that is
// one tensor and no pattern, it is everybody's. An error names the partner that is missing.
Result<std::vector<int>> partners_of(const StepContext& context, const Selector& partners,
                                     std::string_view parameter);

}  // namespace loadproof::sim
