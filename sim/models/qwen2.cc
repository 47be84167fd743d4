// Qwen2, after transformers 5.4.0 models/qwen2.
#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {

void read_qwen_windows(ConfigReader& reader, ModelConfig& config) {
  const int64_t layers = reader.size("num_hidden_layers", kLayersMax);
  const bool uses = reader.flag("use_sliding_window", false);
  const std::optional<int64_t> window = reader.window("sliding_window", 4096);
  config.sliding_window = uses ? window.value_or(0) : 0;
  const int64_t first = reader.token("max_window_layers", 28).value_or(28);
  read_layer_types(reader, config, layers,
                   [&](int64_t layer) { return config.sliding_window > 0 && layer >= first; });
}

namespace {

void read(ConfigReader& reader, ModelConfig& config) {
  read_sizes(reader, config, {.positions_max = 32768});
  read_activation(reader, config, "hidden_act", "silu");
  read_qwen_windows(reader, config);
  read_rope(reader, config, 10000);
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {});
  config.qkv_bias = true;
}

}  // namespace

const Family kQwen2 = {
    .model_type = "qwen2", .module = "Qwen2", .architecture = "Qwen2ForCausalLM", .read = read};

}  // namespace loadproof::sim
