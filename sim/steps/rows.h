// The `rows` argument that several verbs share: which rows of the first dimension a step is about.
#pragma once

#include <functional>

#include "sim/steps/verb.h"

namespace loadproof::sim {

// Calls `visit` for each row that the step names. An error if the tensor has no such row; negative
// numbers count from the end.
Result<void> for_each_row(const StepContext& context, int slot,
                          const std::function<void(int64_t)>& visit);

}  // namespace loadproof::sim
