#include "sim/torch_types.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>

#include "sim/check.h"

namespace loadproof::sim {
namespace {

struct Row {
  DType ours;
  c10::ScalarType theirs;
};
constexpr Row kRows[] = {
    {DType::kBool, c10::ScalarType::Bool},
    {DType::kUint8, c10::ScalarType::Byte},
    {DType::kInt8, c10::ScalarType::Char},
    {DType::kInt16, c10::ScalarType::Short},
    {DType::kInt32, c10::ScalarType::Int},
    {DType::kInt64, c10::ScalarType::Long},
    {DType::kFloat8E4m3fn, c10::ScalarType::Float8_e4m3fn},
    {DType::kFloat8E5m2, c10::ScalarType::Float8_e5m2},
    {DType::kFloat16, c10::ScalarType::Half},
    {DType::kBFloat16, c10::ScalarType::BFloat16},
    {DType::kFloat32, c10::ScalarType::Float},
    {DType::kFloat64, c10::ScalarType::Double},
};

}  // namespace

c10::ScalarType scalar_type(DType dtype) {
  for (const Row& row : kRows)
    if (row.ours == dtype) return row.theirs;
  SIM_CHECK(false, "dtype {}", static_cast<int>(dtype));
}

DType dtype_of(const at::Tensor& tensor) {
  for (const Row& row : kRows)
    if (row.theirs == tensor.scalar_type()) return row.ours;
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
