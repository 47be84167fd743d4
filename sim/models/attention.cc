// sdpa_attention_forward, eager_attention_forward and masking_utils of transformers 5.4.0.
#include <ATen/ops/add.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "sim/models/parts.h"

namespace loadproof::sim {
namespace {

// How the keys of one layer lie: `keys` of them, the first being token `key_offset`; the first
// query is token `query_offset`.
struct Extent {
  int64_t queries = 0, keys = 0, query_offset = 0, key_offset = 0;
};

Extent extent_of(int64_t queries, const KvCache::Layer* cached, int64_t window,
                 const std::optional<at::Tensor>& mask) {
  Extent extent{.queries = queries, .keys = queries};
  if (cached == nullptr) {
    if (mask) extent.keys = mask->size(-1);
    return extent;
  }
  extent.query_offset = cached->seen;
  extent.keys = cached->seen + queries;
  if (window > 0) {
    extent.key_offset = std::max<int64_t>(cached->seen - window + 1, 0);
    extent.keys -= extent.key_offset;
  }
  return extent;
}

// The padding mask's part for these keys, row-major; keys beyond its end are padding.
std::vector<bool> real_keys(const at::Tensor& mask, const Extent& extent) {
  const at::Tensor contiguous = mask.to(at::kCPU, at::kLong).contiguous();
  const int64_t columns = contiguous.size(1);
  const int64_t* data = contiguous.const_data_ptr<int64_t>();
  std::vector<bool> real;
  for (int64_t row = 0; row < contiguous.size(0); ++row)
    for (int64_t key = extent.key_offset; key < extent.key_offset + extent.keys; ++key)
      real.push_back(key < columns && data[row * columns + key] != 0);
  return real;
}

bool all_of(const std::vector<bool>& values) {
  return std::find(values.begin(), values.end(), false) == values.end();
}

at::Tensor allowed_keys(int64_t batch, const Extent& extent, int64_t window,
                        const std::vector<bool>& real) {
  at::Tensor allowed = at::empty({batch, 1, extent.queries, extent.keys}, at::kBool);
  bool* out = allowed.mutable_data_ptr<bool>();
  for (int64_t row = 0; row < batch; ++row)
    for (int64_t q = 0; q < extent.queries; ++q)
      for (int64_t k = 0; k < extent.keys; ++k) {
        const int64_t query = extent.query_offset + q, key = extent.key_offset + k;
        const bool near = window == 0 || key > query - window;
        const bool kept = real.empty() || real[static_cast<size_t>(row * extent.keys + k)];
        *out++ = key <= query && near && kept;
      }
  return allowed;
}

double least_value(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return static_cast<double>(std::numeric_limits<c10::Half>::lowest());
    case at::kBFloat16:
      return static_cast<double>(std::numeric_limits<c10::BFloat16>::lowest());
    case at::kDouble:
      return std::numeric_limits<double>::lowest();
    default:
      return static_cast<double>(std::numeric_limits<float>::lowest());
  }
}

// repeat_kv: each key-value head serves several heads.
at::Tensor repeat_heads(const at::Tensor& x, int64_t times) {
  if (times == 1) return x;
  const int64_t batch = x.size(0), heads = x.size(1), tokens = x.size(2), dim = x.size(3);
  return x.unsqueeze(2)
      .expand({batch, heads, times, tokens, dim})
      .reshape({batch, heads * times, tokens, dim});
}

at::Tensor sdpa(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                const AttentionMask& mask, const AttentionOptions& options) {
  const int64_t times = q.size(1) / k.size(1);
  const bool masked = mask.allowed.defined();
  const bool causal = !masked && q.size(2) > 1;
  if (!masked || !options.grouped)
    return at::scaled_dot_product_attention(
        q, k, v, masked ? std::optional(mask.allowed) : std::nullopt, 0.0, causal, options.scale,
        /*enable_gqa=*/options.grouped);
  return at::scaled_dot_product_attention(q, repeat_heads(k, times), repeat_heads(v, times),
                                          mask.allowed, 0.0, false, options.scale);
}

at::Tensor scores_of(const at::Tensor& q, const at::Tensor& k, const AttentionOptions& options) {
  if (!options.upcast) return at::mul(at::matmul(q, k.transpose(2, 3)), options.scale);
  const int64_t batch = q.size(0), heads = q.size(1), queries = q.size(2), keys = k.size(2);
  const at::Tensor start =
      at::zeros({batch * heads, queries, keys}, q.options().dtype(at::kFloat));
  const at::Tensor product = at::baddbmm(
      start, q.reshape({-1, queries, q.size(3)}).to(at::kFloat),
      k.transpose(-1, -2).reshape({-1, q.size(3), keys}).to(at::kFloat), 0, options.scale);
  return product.reshape({batch, heads, queries, keys});
}

at::Tensor eager(const at::Tensor& q, const at::Tensor& key, const at::Tensor& value,
                 const AttentionMask& mask, const AttentionOptions& options) {
  const int64_t times = q.size(1) / key.size(1);
  const at::Tensor k = repeat_heads(key, times), v = repeat_heads(value, times);
  at::Tensor scores = scores_of(q, k, options);
  if (options.softcap) scores = soft_cap(scores, *options.softcap);
  if (mask.additive.defined()) scores = at::add(scores, mask.additive);
  const std::optional<at::ScalarType> dtype =
      options.softmax_in_float ? std::optional(at::kFloat) : std::nullopt;
  return at::matmul(at::softmax(scores, -1, dtype).to(q.scalar_type()), v);
}

}  // namespace

AttentionMask attention_mask(const ForwardInput& input, const KvCache::Layer* cached,
                             int64_t window, at::ScalarType dtype) {
  const Extent extent = extent_of(input.ids.size(1), cached, window, input.mask);
  const std::vector<bool> real = input.mask ? real_keys(*input.mask, extent) : std::vector<bool>{};
  const bool needless = (extent.queries == 1 || extent.keys == extent.queries) &&
                        (window == 0 || extent.keys < window) && all_of(real);
  AttentionMask mask;
  if (needless && input.attention == AttentionKind::kSdpa) return mask;
  mask.allowed = allowed_keys(input.ids.size(0), extent, window, real).to(input.ids.device());
  if (input.attention == AttentionKind::kEager) {
    const at::Tensor zero = at::zeros({}, input.ids.options().dtype(dtype));
    mask.additive = at::where(mask.allowed, zero, least_value(dtype)).to(dtype);
  }
  return mask;
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const AttentionMask& mask, const AttentionOptions& options) {
  const at::Tensor output = options.kind == AttentionKind::kSdpa ? sdpa(q, k, v, mask, options)
                                                                 : eager(q, k, v, mask, options);
  return output.transpose(1, 2).contiguous().reshape({q.size(0), q.size(2), -1});
}

}  // namespace loadproof::sim
