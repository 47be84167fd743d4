// Our element types as torch's. For .cc files of sim/ that use ATen.
#pragma once

#include <ATen/core/Tensor.h>

#include "sim/dtype.h"

namespace loadproof::sim {

constexpr at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::kBool: return at::ScalarType::Bool;
    case DType::kUint8: return at::ScalarType::Byte;
    case DType::kInt8: return at::ScalarType::Char;
    case DType::kInt16: return at::ScalarType::Short;
    case DType::kInt32: return at::ScalarType::Int;
    case DType::kInt64: return at::ScalarType::Long;
    case DType::kFloat8E4m3fn: return at::ScalarType::Float8_e4m3fn;
    case DType::kFloat8E5m2: return at::ScalarType::Float8_e5m2;
    case DType::kFloat16: return at::ScalarType::Half;
    case DType::kBFloat16: return at::ScalarType::BFloat16;
    case DType::kFloat32: return at::ScalarType::Float;
    case DType::kFloat64: return at::ScalarType::Double;
  }
  return at::ScalarType::Undefined;
}

}  // namespace loadproof::sim
