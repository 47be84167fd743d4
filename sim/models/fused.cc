#include "sim/models/fused.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cmath>
#include <vector>

namespace loadproof::sim {
namespace {

constexpr int64_t kLanes = 8;
constexpr int64_t kLinearElementsMax = 1 << 16;  // of a weight; larger ones are worth ATen's call

bool is_half(at::ScalarType dtype) { return dtype == at::kBFloat16 || dtype == at::kHalf; }
bool is_known(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || is_half(x.scalar_type()));
}
bool rows_are_dense(const at::Tensor& x) { return x.dim() > 0 && x.stride(-1) == 1; }

// Calls with a null pointer of the C++ type of the dtype.
template <typename Function>
void with_type(at::ScalarType dtype, const Function& function) {
  if (dtype == at::kBFloat16)
    function(static_cast<c10::BFloat16*>(nullptr));
  else if (dtype == at::kHalf)
    function(static_cast<c10::Half*>(nullptr));
  else
    function(static_cast<float*>(nullptr));
}

// Eight running sums, added up in order at the end.
struct Lanes {
  float sums[kLanes] = {};
  float total() const {
    float result = 0;
    for (float sum : sums) result += sum;
    return result;
  }
};

template <typename T>
float sum_of_squares(const T* x, int64_t count) {
  Lanes lanes;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<float>(x[i + lane]);
      lanes.sums[lane] += value * value;
    }
  float rest = 0;
  for (; i < count; ++i) rest += static_cast<float>(x[i]) * static_cast<float>(x[i]);
  return lanes.total() + rest;
}

template <typename T>
float dot(const float* x, const T* w, int64_t count) {
  Lanes lanes;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      lanes.sums[lane] += x[i + lane] * static_cast<float>(w[i + lane]);
  float rest = 0;
  for (; i < count; ++i) rest += x[i] * static_cast<float>(w[i]);
  return lanes.total() + rest;
}

template <typename T>
void normalise_row(const T* x, const T* weight, T* out, int64_t count, float eps, bool one_plus) {
  const float mean = sum_of_squares(x, count) / static_cast<float>(count);
  const float scale = 1.0f / std::sqrt(mean + eps);
  for (int64_t i = 0; i < count; ++i) {
    const float value = static_cast<float>(x[i]) * scale;
    const auto by = static_cast<float>(weight[i]);
    out[i] = one_plus ? static_cast<T>(value * (1.0f + by))
                      : static_cast<T>(by * static_cast<float>(static_cast<T>(value)));
  }
}

template <typename T>
void rotate_row(const T* x, const T* cos, const T* sin, T* out, int64_t count) {
  const int64_t half = count / 2;
  for (int64_t i = 0; i < count; ++i) {
    const auto other = static_cast<float>(i < half ? x[i + half] : x[i - half]);
    const float turned = i < half ? -other : other;
    const auto straight =
        static_cast<float>(static_cast<T>(static_cast<float>(x[i]) * static_cast<float>(cos[i])));
    const auto across = static_cast<float>(static_cast<T>(turned * static_cast<float>(sin[i])));
    out[i] = static_cast<T>(straight + across);
  }
}

template <typename T>
void multiply_row(const T* x, const T* weight, const T* bias, T* out, int64_t rows,
                  int64_t columns) {
  std::vector<float> input(x, x + columns);
  for (int64_t row = 0; row < rows; ++row) {
    const float sum = dot(input.data(), weight + row * columns, columns);
    out[row] = static_cast<T>(bias == nullptr ? sum : sum + static_cast<float>(bias[row]));
  }
}

}  // namespace

at::Tensor fused_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                          bool one_plus) {
  if (!is_known(x) || !is_known(weight) || weight.scalar_type() != x.scalar_type() ||
      !weight.is_contiguous() || weight.dim() != 1 || weight.size(0) != x.size(-1))
    return {};
  const at::Tensor dense = x.contiguous();
  const at::Tensor out = at::empty(x.sizes(), x.options());
  const int64_t count = x.size(-1), rows = count == 0 ? 0 : x.numel() / count;
  with_type(x.scalar_type(), [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    for (int64_t row = 0; row < rows; ++row)
      normalise_row(dense.const_data_ptr<T>() + row * count, weight.const_data_ptr<T>(),
                    out.mutable_data_ptr<T>() + row * count, count, static_cast<float>(eps),
                    one_plus);
  });
  return out;
}

at::Tensor fused_rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const at::ScalarType dtype = x.scalar_type();
  if (!is_known(x) || x.dim() != 4 || !rows_are_dense(x) || x.size(3) % 2 != 0) return {};
  for (const at::Tensor* each : {&cos, &sin})
    if (!each->is_cpu() || each->scalar_type() != dtype || !each->is_contiguous() ||
        each->dim() != 4 || each->size(1) != 1 || each->size(2) != x.size(2) ||
        each->size(3) != x.size(3) || (each->size(0) != 1 && each->size(0) != x.size(0)))
      return {};
  const int64_t batch = x.size(0), heads = x.size(1), tokens = x.size(2), dim = x.size(3);
  const at::Tensor out = at::empty({batch, tokens, heads, dim}, x.options());
  const int64_t turn_stride = cos.size(0) == 1 ? 0 : tokens * dim;
  with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    T* to = out.mutable_data_ptr<T>();
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t t = 0; t < tokens; ++t)
        for (int64_t h = 0; h < heads; ++h, to += dim) {
          const int64_t turn = b * turn_stride + t * dim;
          const int64_t from = b * x.stride(0) + h * x.stride(1) + t * x.stride(2);
          rotate_row(x.const_data_ptr<T>() + from, cos.const_data_ptr<T>() + turn,
                     sin.const_data_ptr<T>() + turn, to, dim);
        }
  });
  return out.transpose(1, 2);
}

at::Tensor fused_linear(const at::Tensor& x, const at::Tensor& weight,
                        const std::optional<at::Tensor>& bias) {
  const at::ScalarType dtype = x.scalar_type();
  if (!x.is_cpu() || dtype != at::kBFloat16 || !weight.is_cpu() || weight.scalar_type() != dtype ||
      weight.dim() != 2 || !weight.is_contiguous() || weight.numel() > kLinearElementsMax ||
      x.dim() == 0 || x.size(-1) != weight.size(1) || x.numel() == 0)
    return {};
  if (bias && (!bias->is_cpu() || bias->scalar_type() != dtype || !bias->is_contiguous() ||
               bias->dim() != 1 || bias->size(0) != weight.size(0)))
    return {};
  const int64_t rows = weight.size(0), columns = weight.size(1);
  if (x.numel() > columns) {
    const std::optional<at::Tensor> wide_bias =
        bias ? std::optional(bias->to(at::kFloat)) : std::nullopt;
    return at::linear(x.to(at::kFloat), weight.to(at::kFloat), wide_bias).to(dtype);
  }
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = rows;
  const at::Tensor dense = x.contiguous();
  const at::Tensor out = at::empty(shape, x.options());
  using T = c10::BFloat16;
  multiply_row(dense.const_data_ptr<T>(), weight.const_data_ptr<T>(),
               bias ? bias->const_data_ptr<T>() : nullptr, out.mutable_data_ptr<T>(), rows,
               columns);
  return out;
}

}  // namespace loadproof::sim
