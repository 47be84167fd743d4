// Qwen3, after transformers 5.4.0 models/qwen3.
#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read(ConfigReader& reader, ModelConfig& config) {
  read_sizes(reader, config, {.head_dim = 128, .positions_max = 32768});
  read_activation(reader, config, "hidden_act", "silu");
  read_qwen_windows(reader, config);
  read_rope(reader, config, 10000);
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {});
  config.qkv_bias = config.output_bias = reader.flag("attention_bias", false);
}

}  // namespace

const Family kQwen3 = {.model_type = "qwen3",
                       .module = "Qwen3",
                       .architecture = "Qwen3ForCausalLM",
                       .query_key_norm = true,
                       .read = read};

}  // namespace loadproof::sim
