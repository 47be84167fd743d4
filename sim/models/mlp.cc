// The MLP blocks: gated, GPT-2's, and experts as grouped_mm_experts_forward of transformers 5.4.0
// (its default on CPU, prompt and decoding alike) computes them.
#include <ATen/ops/_grouped_mm.h>
#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/histc.h>
#include <ATen/ops/index.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/topk.h>

#include "sim/models/parts.h"

namespace loadproof::sim {
namespace {

at::Tensor rows_of(const at::Tensor& x, const at::Tensor& rows) { return at::index(x, {rows}); }

struct Routing {
  at::Tensor weights;  // (tokens, chosen) float32
  at::Tensor experts;  // (tokens, chosen) int64
};

Routing route(const Model& model, Tensors tensors, const LayerAt& at, const at::Tensor& x) {
  const at::Tensor logits = linear(tensors, at.router, x);
  const at::Tensor shares = at::softmax(logits, -1, at::kFloat);
  auto [weights, experts] = at::topk(shares, model.config.experts_per_token, -1);
  if (model.config.normalise_experts)
    weights.div_(at::sum(weights, at::IntArrayRef{-1}, /*keepdim=*/true));
  return {weights, experts};
}

// x: (tokens, hidden). Tokens are sorted by their expert, so that each expert has one product.
at::Tensor chosen_experts(const Model& model, Tensors tensors, const LayerAt& at,
                          const at::Tensor& x, const Routing& routing) {
  const int64_t tokens = x.size(0), chosen = routing.experts.size(1);
  const int64_t experts = model.config.experts;
  const at::Tensor expert = routing.experts.reshape(-1);
  const at::Tensor token =
      at::arange(tokens, expert.options()).unsqueeze(1).expand({-1, chosen}).reshape(-1);
  const at::Tensor order = at::argsort(expert);
  at::Tensor back = at::empty_like(order);
  back.index_put_({order}, at::arange(order.size(0), order.options()));
  const at::Tensor sorted = rows_of(expert, order);
  const at::Tensor counts = at::histc(sorted.to(at::kFloat), experts, 0, experts - 1);
  const at::Tensor ends = at::cumsum(counts, 0, at::kInt);

  const at::Tensor input = rows_of(rows_of(x, token), order);
  const at::Tensor& gate_up = weight(tensors, at.experts_gate_up.weight);
  const at::Tensor both =
      at::_grouped_mm(input.to(gate_up.scalar_type()), gate_up.transpose(-2, -1), ends);
  const std::vector<at::Tensor> halves = both.chunk(2, -1);
  const at::Tensor inner = at::mul(activate(model.config.activation, halves[0]), halves[1]);
  const at::Tensor& down = weight(tensors, at.experts_down.weight);
  const at::Tensor output =
      at::_grouped_mm(inner.to(down.scalar_type()), down.transpose(-2, -1), ends);
  const at::Tensor weighted =
      at::mul(output, rows_of(routing.weights.reshape(-1), order).unsqueeze(-1));
  return at::sum(rows_of(weighted, back).view({tokens, chosen, -1}), at::IntArrayRef{1})
      .to(x.scalar_type());
}

}  // namespace

at::Tensor gated_mlp(const Model& model, Tensors tensors, const LayerAt& at, const at::Tensor& x) {
  const at::Tensor gate = activate(model.config.activation, linear(tensors, at.gate, x));
  return linear(tensors, at.down, at::mul(gate, linear(tensors, at.up, x)));
}

at::Tensor experts_mlp(const Model& model, Tensors tensors, const LayerAt& at,
                       const at::Tensor& x) {
  const at::Tensor flat = x.view({-1, x.size(-1)});
  at::Tensor shared;
  if (at.shared_gate.weight >= 0) shared = gated_mlp(model, tensors, at, flat);
  at::Tensor result = chosen_experts(model, tensors, at, flat, route(model, tensors, at, flat));
  if (shared.defined())
    result = at::add(result, at::mul(at::sigmoid(linear(tensors, at.shared_gate, flat)), shared));
  return result.reshape(x.sizes());
}

at::Tensor mlp(const Model& model, Tensors tensors, const LayerAt& at, const at::Tensor& x) {
  if (at.router.weight >= 0) return experts_mlp(model, tensors, at, x);
  if (model.family->mlp != MlpKind::kPlain) return gated_mlp(model, tensors, at, x);
  const at::Tensor inner = linear(tensors, at.up, x, /*transposed=*/true);
  return linear(tensors, at.down, activate(model.config.activation, inner), /*transposed=*/true);
}

}  // namespace loadproof::sim
