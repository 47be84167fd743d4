// Mistral, after transformers 5.4.0 models/mistral: where there is a window, every layer slides.
#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read(ConfigReader& reader, ModelConfig& config) {
  read_sizes(reader, config, {.positions_max = 131072});
  read_activation(reader, config, "hidden_act", "silu");
  config.sliding_window = reader.window("sliding_window", 4096).value_or(0);
  set_layer_types(config, reader.size("num_hidden_layers", kLayersMax),
                  config.sliding_window > 0 ? LayerType::kSliding : LayerType::kFull);
  read_rope(reader, config, 10000);
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {2});
}

}  // namespace

const Family kMistral = {.model_type = "mistral",
                         .module = "Mistral",
                         .architecture = "MistralForCausalLM",
                         .read = read};

}  // namespace loadproof::sim
