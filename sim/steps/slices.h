// Parts of tensors that several verbs take by a `slice` argument.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "sim/layout.h"
#include "sim/slice.h"
#include "sim/steps/verb.h"

namespace loadproof::sim {

struct TensorPart {
  at::Tensor view;  // of the tensor's bytes
  Layout layout;    // of its elements in the tensor
};

// The part of `value` that an argument of the step tells; nothing: the argument is left out. An
// error tells what of `tensor`, its name, does not fit.
Result<std::optional<TensorPart>> part_argument(const StepContext& context,
                                                std::string_view parameter, const at::Tensor& value,
                                                std::string_view tensor);

// The same of a slice that is known.
Result<std::optional<TensorPart>> part_of(const Slice& slice, const at::Tensor& value,
                                          std::string_view tensor);

}  // namespace loadproof::sim
