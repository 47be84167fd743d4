#include "sim/models/forward.h"

#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/mul.h>

#include "sim/models/parts.h"

namespace loadproof::sim {
namespace {

// What all layers of one pass share.
struct Pass {
  const Model& model;
  Tensors tensors;
  const ForwardInput& input;
  Rotation rotation_full, rotation_sliding;
  AttentionMask mask_full, mask_sliding;
};

// (batch or 1, tokens) int64.
at::Tensor positions_of(const ForwardInput& input, int64_t seen) {
  const int64_t tokens = input.ids.size(1);
  if (!input.mask)
    return at::arange(seen, seen + tokens, input.ids.options().dtype(at::kLong)).unsqueeze(0);
  const at::Tensor real = input.mask->to(at::kLong);
  const at::Tensor all = at::cumsum(real, -1).sub_(1).masked_fill_(real.eq(0), 0);
  return all.narrow(1, all.size(1) - tokens, tokens);
}

KvCache::Layer* layer_cache(const ForwardInput& input, size_t layer) {
  return input.cache == nullptr ? nullptr : &input.cache->layers[layer];
}

Pass begin_pass(const Model& model, Tensors tensors, const ForwardInput& input,
                const at::Tensor& positions, at::ScalarType dtype) {
  Pass pass{.model = model, .tensors = tensors, .input = input};
  const ModelAt& at = model.at;
  if (at.inverse_frequencies >= 0)
    pass.rotation_full = rotation(weight(tensors, at.inverse_frequencies), positions, dtype);
  pass.rotation_sliding = pass.rotation_full;
  if (at.inverse_frequencies_sliding >= 0 &&
      at.inverse_frequencies_sliding != at.inverse_frequencies)
    pass.rotation_sliding =
        rotation(weight(tensors, at.inverse_frequencies_sliding), positions, dtype);
  // The mask of a layer type is that of its first layer.
  bool full = false, sliding = false;
  for (size_t i = 0; i < model.config.layer_types.size(); ++i) {
    const bool slides = model.config.layer_types[i] == LayerType::kSliding;
    bool& made = slides ? sliding : full;
    if (made) continue;
    made = true;
    (slides ? pass.mask_sliding : pass.mask_full) = attention_mask(
        input, layer_cache(input, i), slides ? model.config.sliding_window : 0, dtype);
  }
  return pass;
}

// DynamicLayer and DynamicSlidingWindowLayer of the real cache: appends, and gives all that is to
// be attended to.
void update_cache(KvCache::Layer& layer, int64_t window, at::Tensor& k, at::Tensor& v) {
  layer.seen += k.size(2);
  k = layer.keys.defined() ? at::cat({layer.keys, k}, -2) : k.contiguous();
  v = layer.values.defined() ? at::cat({layer.values, v}, -2) : v.contiguous();
  layer.keys = k;
  layer.values = v;
  if (window > 0 && k.size(2) > window - 1) {
    layer.keys = k.narrow(2, k.size(2) - window + 1, window - 1);
    layer.values = v.narrow(2, v.size(2) - window + 1, window - 1);
  }
}

at::Tensor split_heads(const at::Tensor& x, int64_t head_dim) {
  return x.view({x.size(0), x.size(1), -1, head_dim}).transpose(1, 2);
}

struct QueryKeyValue {
  at::Tensor q, k, v;
};

QueryKeyValue project(const Pass& pass, const LayerAt& at, const at::Tensor& x, bool slides) {
  const int64_t dim = pass.model.config.head_dim;
  if (at.qkv.weight >= 0) {
    const std::vector<at::Tensor> parts =
        linear(pass.tensors, at.qkv, x, /*transposed=*/true).split(x.size(-1), 2);
    return {split_heads(parts[0], dim), split_heads(parts[1], dim), split_heads(parts[2], dim)};
  }
  QueryKeyValue result{split_heads(linear(pass.tensors, at.q, x), dim),
                       split_heads(linear(pass.tensors, at.k, x), dim),
                       split_heads(linear(pass.tensors, at.v, x), dim)};
  if (at.q_norm.weight >= 0) {
    result.q = normalise(pass.model, pass.tensors, at.q_norm, result.q);
    result.k = normalise(pass.model, pass.tensors, at.k_norm, result.k);
  }
  const Rotation& turn = slides ? pass.rotation_sliding : pass.rotation_full;
  result.q = rotate(result.q, turn);
  result.k = rotate(result.k, turn);
  return result;
}

at::Tensor attention(const Pass& pass, size_t index, const at::Tensor& x) {
  const ModelConfig& config = pass.model.config;
  const LayerAt& at = pass.model.at.layers[index];
  const bool slides = config.layer_types[index] == LayerType::kSliding;
  QueryKeyValue states = project(pass, at, x, slides);
  if (KvCache::Layer* cache = layer_cache(pass.input, index))
    update_cache(*cache, slides ? config.sliding_window : 0, states.k, states.v);
  const bool gpt2 = pass.model.family->gpt2_layout;
  AttentionOptions options{.kind = pass.input.attention,
                           .scale = config.attention_scale,
                           .softcap = config.attention_softcap,
                           .softmax_in_float = !gpt2,
                           .upcast = config.upcast_attention,
                           .grouped = !gpt2};
  if (config.scale_by_layer) options.scale /= static_cast<double>(index + 1);
  const at::Tensor output =
      attend(states.q, states.k, states.v, slides ? pass.mask_sliding : pass.mask_full, options);
  return linear(pass.tensors, at.output, output, /*transposed=*/gpt2);
}

at::Tensor layer(const Pass& pass, size_t index, at::Tensor x) {
  const LayerAt& at = pass.model.at.layers[index];
  const auto normed = [&](WeightAt norm, const at::Tensor& value) {
    return norm.weight < 0 ? value : normalise(pass.model, pass.tensors, norm, value);
  };
  const at::Tensor attended = attention(pass, index, normed(at.input_norm, x));
  x = at::add(x, normed(at.post_attention_norm, attended));
  const at::Tensor changed = mlp(pass.model, pass.tensors, at, normed(at.pre_mlp_norm, x));
  return at::add(x, normed(at.post_mlp_norm, changed));
}

at::Tensor embed(const Model& model, Tensors tensors, const ForwardInput& input,
                 const at::Tensor& positions) {
  const at::Tensor& table = weight(tensors, model.at.embedding);
  const at::Tensor x = at::embedding(table, input.ids);
  if (model.at.embedding_scale >= 0)
    return at::mul(x, weight(tensors, model.at.embedding_scale).to(table.scalar_type()));
  if (model.at.positions >= 0)
    return at::add(x, at::embedding(weight(tensors, model.at.positions), positions));
  return x;
}

// Tokens where the weights are.
ForwardInput beside(const at::Tensor& table, ForwardInput input) {
  if (table.is_meta() || table.is_cpu()) return input;
  input.ids = input.ids.to(table.device());
  if (input.mask) input.mask = input.mask->to(table.device());
  return input;
}

}  // namespace

at::Tensor forward_hidden(const Model& model, Tensors tensors, const ForwardInput& given) {
  const ForwardInput input = beside(weight(tensors, model.at.embedding), given);
  if (input.cache != nullptr) input.cache->layers.resize(model.config.layer_types.size());
  const KvCache::Layer* first = layer_cache(input, 0);
  const at::Tensor positions = positions_of(input, first == nullptr ? 0 : first->seen);
  at::Tensor x = embed(model, tensors, input, positions);
  const Pass pass = begin_pass(model, tensors, input, positions, x.scalar_type());
  for (size_t i = 0; i < model.at.layers.size(); ++i) x = layer(pass, i, x);
  return normalise(model, tensors, model.at.norm, x);
}

at::Tensor forward_head(const Model& model, Tensors tensors, const at::Tensor& hidden) {
  const at::Tensor logits = linear(tensors, {.weight = model.at.head}, hidden);
  return model.config.logit_softcap ? soft_cap(logits, *model.config.logit_softcap) : logits;
}

at::Tensor forward(const Model& model, Tensors tensors, const ForwardInput& input) {
  return forward_head(model, tensors, forward_hidden(model, tensors, input));
}

}  // namespace loadproof::sim
