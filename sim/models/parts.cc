#include "sim/models/parts.h"

#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "sim/models/fused.h"

namespace loadproof::sim {
namespace {

// NewGELUActivation.
at::Tensor gelu_new(const at::Tensor& x) {
  const double scale = std::sqrt(2.0 / std::numbers::pi);
  const at::Tensor inner = at::mul(at::add(x, at::mul(at::pow(x, 3.0), 0.044715)), scale);
  return at::mul(at::mul(x, 0.5), at::add(at::tanh(inner), 1.0));
}

at::Tensor rms(const at::Tensor& x, double eps) {
  const at::Tensor variance = at::mean(at::pow(x, 2), at::IntArrayRef{-1}, /*keepdim=*/true);
  return at::mul(x, at::rsqrt(at::add(variance, eps)));
}

}  // namespace

at::Tensor linear(Tensors tensors, WeightAt at, const at::Tensor& x, bool transposed) {
  const at::Tensor& matrix = weight(tensors, at.weight);
  const std::optional<at::Tensor> bias =
      at.bias < 0 ? std::nullopt : std::optional(weight(tensors, at.bias));
  // Under Python, whose kernels for meta tensors differ from ATen's own, a product with a weight
  // left on meta is no error: it gives memory that nobody wrote. So it does here.
  if (matrix.is_meta() && !x.is_meta() && (!bias || !bias->is_meta())) {
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = matrix.size(transposed ? 1 : 0);
    return at::empty(shape, x.options());
  }
  if (!transposed) {
    const at::Tensor fused = fused_linear(x, matrix, bias);
    return fused.defined() ? fused : at::linear(x, matrix, bias);
  }
  const at::Tensor flat = at::addmm(*bias, x.view({-1, x.size(-1)}), matrix);
  return flat.view({x.size(0), x.size(1), -1});
}

at::Tensor activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluNew:
      return gelu_new(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      return at::relu(x);
  }
  return x;
}

at::Tensor normalise(const Model& model, Tensors tensors, WeightAt at, const at::Tensor& x) {
  const at::Tensor& scale = weight(tensors, at.weight);
  const double eps = model.config.norm_eps;
  if (model.family->norm != NormKind::kLayer) {
    const at::Tensor fused = fused_rms_norm(x, scale, eps, model.family->norm == NormKind::kGemma);
    if (fused.defined()) return fused;
  }
  switch (model.family->norm) {
    case NormKind::kRms:
      return at::mul(scale, rms(x.to(at::kFloat), eps).to(x.scalar_type()));
    case NormKind::kGemma:
      return at::mul(rms(x.to(at::kFloat), eps), at::add(scale.to(at::kFloat), 1.0))
          .to(x.scalar_type());
    case NormKind::kLayer:
      return at::layer_norm(x, {x.size(-1)}, scale, weight(tensors, at.bias), eps);
  }
  return x;
}

at::Tensor soft_cap(const at::Tensor& x, double cap) {
  return at::mul(at::tanh(at::div(x, cap)), cap);
}

Rotation rotation(const at::Tensor& inverse_frequencies, const at::Tensor& positions,
                  at::ScalarType dtype) {
  // The real library has a matrix product of one column by one row here: each element is one
  // product, as it is in this multiplication.
  const at::Tensor angles =
      at::mul(positions.to(at::kFloat).unsqueeze(-1), inverse_frequencies.to(at::kFloat));
  const at::Tensor both = at::cat({angles, angles}, -1);
  return {at::cos(both).to(dtype).unsqueeze(1), at::sin(both).to(dtype).unsqueeze(1)};
}

at::Tensor rotate(const at::Tensor& x, const Rotation& rotation) {
  const at::Tensor fused = fused_rotate(x, rotation.cos, rotation.sin);
  if (fused.defined()) return fused;
  const int64_t half = x.size(-1) / 2;
  const at::Tensor turned =
      at::cat({at::neg(x.narrow(-1, half, x.size(-1) - half)), x.narrow(-1, 0, half)}, -1);
  return at::add(at::mul(x, rotation.cos), at::mul(turned, rotation.sin));
}

}  // namespace loadproof::sim
