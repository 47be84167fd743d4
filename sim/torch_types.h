// The bridge between our element types and torch's, and the few at:: calls that many files need.
// For .cc files of sim/ only.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/box.h"
#include "sim/dtype.h"
#include "sim/scalar_type.h"

namespace loadproof::sim {

// REQUIRES: a type that DType has; SIM_CHECK otherwise.
DType dtype_of(const at::Tensor& tensor);

// Holds the fill.
at::Tensor empty_tensor(const std::vector<int64_t>& shape, DType dtype,
                        at::Device place = at::Device(at::kCPU));
at::Tensor meta_tensor(const std::vector<int64_t>& shape, DType dtype);   // has no storage

// False of a tensor that was made without bytes (WithoutBytes in sim/memory/poison.h), and of one
// on meta.
bool has_bytes(const at::Tensor& tensor);
// As tensor.copy_() and tensor.clone(); where there are no bytes none are copied.
void copy_bytes(const at::Tensor& to, const at::Tensor& from);
at::Tensor copied(const at::Tensor& tensor);
// As tensor.contiguous().
at::Tensor dense(const at::Tensor& tensor);

// A CPU generator of its own; torch.manual_seed's algorithm.
at::Generator new_generator(uint64_t seed);

inline std::vector<int64_t> shape_of(const at::Tensor& tensor) { return tensor.sizes().vec(); }
inline int64_t bytes_of(const at::Tensor& tensor) {
  return tensor.numel() * static_cast<int64_t>(tensor.element_size());
}
inline std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}
// The part of a tensor that a box is, as a view of it.
inline at::Tensor box_of(at::Tensor value, const Box& box) {
  for (size_t d = 0; d < box.begin.size(); ++d)
    value = value.narrow(static_cast<int64_t>(d), box.begin[d], box.size[d]);
  return value;
}
inline std::byte* data_of(const at::Tensor& tensor) {
  return static_cast<std::byte*>(tensor.data_ptr());
}

}  // namespace loadproof::sim
