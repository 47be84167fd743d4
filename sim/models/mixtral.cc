// Mixtral, after transformers 5.4.0 models/mixtral and conversion_mapping.py.
#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read(ConfigReader& reader, ModelConfig& config) {
  read_sizes(reader, config, {.positions_max = 131072, .norm_eps = 1e-5});
  read_activation(reader, config, "hidden_act", "silu");
  config.sliding_window = reader.window("sliding_window", std::nullopt).value_or(0);
  set_layer_types(config, reader.size("num_hidden_layers", kLayersMax),
                  config.sliding_window > 0 ? LayerType::kSliding : LayerType::kFull);
  read_rope(reader, config, 1e6);
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {2});
  config.experts = reader.size("num_local_experts", kExpertsMax, 8);
  config.experts_per_token = reader.size("num_experts_per_tok", kExpertsMax, 2);
  config.expert_size = config.intermediate_size;
  config.normalise_experts = true;
  config.sparse_layers.assign(config.layer_types.size(), true);
}

}  // namespace

const Family kMixtral = {.model_type = "mixtral",
                         .module = "Mixtral",
                         .architecture = "MixtralForCausalLM",
                         .mlp = MlpKind::kExperts,
                         .expert_folder = "block_sparse_moe",
                         .expert_keys = {"w1", "w3", "w2"},
                         .read = read};

}  // namespace loadproof::sim
