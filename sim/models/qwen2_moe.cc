// Qwen2-MoE, after transformers 5.4.0 models/qwen2_moe and conversion_mapping.py.
#include <algorithm>

#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read_experts(ConfigReader& reader, ModelConfig& config) {
  config.experts = reader.size("num_experts", kExpertsMax, 60);
  config.experts_per_token = reader.size("num_experts_per_tok", kExpertsMax, 4);
  config.expert_size = reader.size("moe_intermediate_size", kWidthMax, 1408);
  config.shared_expert_size = reader.size("shared_expert_intermediate_size", kWidthMax, 5632);
  config.normalise_experts = reader.flag("norm_topk_prob", false);
  const int64_t step = reader.size("decoder_sparse_step", kLayersMax, 1);
  const std::vector<int64_t> dense = reader.integers("mlp_only_layers");
  for (int64_t layer = 0; layer < config.layers(); ++layer)
    config.sparse_layers.push_back((layer + 1) % step == 0 &&
                                   std::find(dense.begin(), dense.end(), layer) == dense.end());
}

void read(ConfigReader& reader, ModelConfig& config) {
  read_sizes(reader, config, {.positions_max = 32768});
  read_activation(reader, config, "hidden_act", "silu");
  const int64_t layers = reader.size("num_hidden_layers", kLayersMax);
  const bool uses = reader.flag("use_sliding_window", false);
  const int64_t window = reader.window("sliding_window", 4096).value_or(0);
  config.sliding_window = uses ? window : 0;
  const int64_t last = reader.token("max_window_layers", 28).value_or(28);
  read_layer_types(reader, config, layers,
                   [&](int64_t layer) { return uses && (layer + 1) % 2 != 0 && layer < last; });
  read_rope(reader, config, 10000);
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {});
  config.qkv_bias = reader.flag("qkv_bias", true);
  read_experts(reader, config);
}

}  // namespace

const Family kQwen2Moe = {.model_type = "qwen2_moe",
                          .module = "Qwen2Moe",
                          .architecture = "Qwen2MoeForCausalLM",
                          .mlp = MlpKind::kExpertsAndShared,
                          .read = read};

}  // namespace loadproof::sim
