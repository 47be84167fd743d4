// What the tensors of declared stores contain: values unique to each element, so that a swap, a
// shift or a wrong slice shows.
//
// Pure functions of tensor, element and version. Values are finite, not zero, between 2^-7 and 2^8
// in magnitude, and repeat only when a type has no more of them: bfloat16 after 3,840, float16
// after 30,720, float32 after 251 million elements. For .cc files that use ATen.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "sim/tensor_spec.h"

namespace loadproof::sim {

// `first`: how many elements the tensors declared before this one have. Versions of one tensor
// differ in every element. A tensor with a declared value has that in version 0 and in every other,
// one that is added to it.
at::Tensor unique_content(const TensorSpec& spec, int64_t first, int64_t version);

// The declared value of every element.
at::Tensor formula_content(const TensorSpec& spec);

}  // namespace loadproof::sim
