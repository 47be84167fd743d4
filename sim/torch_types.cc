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

at::Tensor empty_tensor(const std::vector<int64_t>& shape, DType dtype, at::Device place) {
  return at::empty(shape, at::TensorOptions(scalar_type(dtype)).device(place));
}

at::Tensor meta_tensor(const std::vector<int64_t>& shape, DType dtype) {
  return at::empty(shape, at::TensorOptions(scalar_type(dtype)).device(at::kMeta));
}

bool has_bytes(const at::Tensor& tensor) {
  return !tensor.is_meta() && (tensor.nbytes() == 0 || tensor.storage().data() != nullptr);
}

void copy_bytes(const at::Tensor& to, const at::Tensor& from) {
  if (has_bytes(to)) to.copy_(from);
}

at::Tensor copied(const at::Tensor& tensor) {
  if (tensor.is_meta() || has_bytes(tensor)) return tensor.clone();
  return empty_tensor(shape_of(tensor), dtype_of(tensor), tensor.device());
}

at::Tensor dense(const at::Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : copied(tensor).contiguous();
}

at::Generator new_generator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

}  // namespace loadproof::sim
