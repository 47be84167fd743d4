// Llama, after transformers 5.4.0 models/llama.
#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read(ConfigReader& reader, ModelConfig& config) {
  read_sizes(reader, config, {.positions_max = 2048});
  read_activation(reader, config, "hidden_act", "silu");
  set_layer_types(config, reader.size("num_hidden_layers", kLayersMax), LayerType::kFull);
  read_rope(reader, config, 10000);
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {2});
  config.qkv_bias = config.output_bias = reader.flag("attention_bias", false);
  config.mlp_bias = reader.flag("mlp_bias", false);
}

}  // namespace

const Family kLlama = {
    .model_type = "llama", .module = "Llama", .architecture = "LlamaForCausalLM", .read = read};

}  // namespace loadproof::sim
