// The values that the real library's _init_weights writes into tensors no checkpoint gave, and
// those it computes from the config alone.
//
// Random values are drawn from the caller's generator in the tensor's own dtype, as torch's normal_
// does. What ATen throws leaves write_initial_value; the caller catches it.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "sim/models/family.h"
#include "sim/result.h"

namespace loadproof::sim {

// Writes all of `destination`, which has the spec's shape, and gives true; InitKind::kNone writes
// nothing and gives false. The row of the padding token of an embedding becomes zero.
bool write_initial_value(const Model& model, const TensorSpec& spec, at::Tensor& destination,
                         at::Generator& generator);

// The value of a tensor that is a formula of the config (RoPE's frequencies, the embedding's scale)
// in its declared dtype and shape. An error for any other tensor.
Result<at::Tensor> analytic_value(const Model& model, const TensorSpec& spec);

}  // namespace loadproof::sim
