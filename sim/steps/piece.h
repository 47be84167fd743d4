// Pieces of values, which several verbs take.
#pragma once

#include <ATen/core/Tensor.h>

#include "sim/layout.h"

namespace loadproof::sim {

// The piece that a layout says, in memory of its own; padding is zero. REQUIRES: `whole` is dense.
at::Tensor piece_of(const at::Tensor& whole, const Layout& layout);

}  // namespace loadproof::sim
