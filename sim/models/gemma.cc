// Gemma 2 and the text model of Gemma 3, after transformers 5.4.0 models/gemma2 and models/gemma3.
#include <cmath>

#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read_shared(ConfigReader& reader, ModelConfig& config, int64_t positions_max) {
  read_sizes(reader, config, {.tied = true, .head_dim = 256, .positions_max = positions_max});
  read_activation(reader, config, "hidden_activation", "gelu_pytorch_tanh");
  config.sliding_window = reader.window("sliding_window", 4096).value_or(0);
  config.qkv_bias = config.output_bias = reader.flag("attention_bias", false);
  config.attention_scale = 1.0 / std::sqrt(reader.positive("query_pre_attn_scalar", 256));
  config.pad_token = reader.token("pad_token_id", 0);
  config.eos_tokens = reader.tokens("eos_token_id", {1});
  if (reader.flag("use_bidirectional_attention", false))
    reader.fault("use_bidirectional_attention", "is true, which is not supported");
}

void read_gemma2(ConfigReader& reader, ModelConfig& config) {
  read_shared(reader, config, 8192);
  read_layer_types(reader, config, reader.size("num_hidden_layers", kLayersMax),
                   [](int64_t layer) { return (layer + 1) % 2 != 0; });
  read_rope(reader, config, 10000);
  config.attention_softcap = reader.optional_positive("attn_logit_softcapping", 50.0);
  config.logit_softcap = reader.optional_positive("final_logit_softcapping", 30.0);
}

// Version 5 has one object a layer type; version 4 has rope_theta and rope_scaling for full
// attention, and rope_local_base_freq for sliding.
void read_gemma3_rope(ConfigReader& reader, ModelConfig& config) {
  const double global = reader.positive("rope_theta", 1e6);
  const double local = reader.positive("rope_local_base_freq", 1e4);
  ConfigReader both = reader.object("rope_parameters");
  ConfigReader full =
      reader.has("rope_scaling") ? reader.object("rope_scaling") : both.object("full_attention");
  ConfigReader sliding = both.object("sliding_attention");
  config.rope = read_rope_object(full, global, config.positions_max);
  config.rope_sliding = read_rope_object(sliding, local, config.positions_max);
  for (ConfigReader* inner : {&both, &full, &sliding}) reader.take(*inner);
}

void read_gemma3(ConfigReader& reader, ModelConfig& config) {
  read_shared(reader, config, 131072);
  const int64_t pattern = reader.size("sliding_window_pattern", kLayersMax, 6);
  read_layer_types(reader, config, reader.size("num_hidden_layers", kLayersMax),
                   [&](int64_t layer) { return (layer + 1) % pattern != 0; });
  read_gemma3_rope(reader, config);
  // The real library reads attn_logit_softcapping of Gemma 3 and applies it nowhere.
  config.logit_softcap = reader.optional_positive("final_logit_softcapping", std::nullopt);
}

}  // namespace

const Family kGemma2 = {.model_type = "gemma2",
                        .module = "Gemma2",
                        .architecture = "Gemma2ForCausalLM",
                        .norm = NormKind::kGemma,
                        .sandwich_norms = true,
                        .scaled_embedding = true,
                        .read = read_gemma2};

const Family kGemma3 = {.model_type = "gemma3_text",
                        .module = "Gemma3",
                        .architecture = "Gemma3ForCausalLM",
                        .norm = NormKind::kGemma,
                        .query_key_norm = true,
                        .sandwich_norms = true,
                        .scaled_embedding = true,
                        .read = read_gemma3};

}  // namespace loadproof::sim
