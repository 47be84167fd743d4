#include "sim/torch_types.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>

#include "sim/check.h"

namespace loadproof::sim {

DType dtype_of(const at::Tensor& tensor) {
  for (DType dtype : kAllDTypes)
    if (scalar_type(dtype) == tensor.scalar_type()) return dtype;
  SIM_CHECK(false, "scalar type {}", c10::toString(tensor.scalar_type()));
}

at::Tensor empty_tensor(const std::vector<int64_t>& shape, DType dtype) {
  return at::empty(shape, at::TensorOptions(scalar_type(dtype)).device(at::kCPU));
}

at::Tensor meta_tensor(const std::vector<int64_t>& shape, DType dtype) {
  return at::empty(shape, at::TensorOptions(scalar_type(dtype)).device(at::kMeta));
}

at::Generator new_generator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

}  // namespace loadproof::sim
