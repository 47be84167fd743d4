// GPT-2, after transformers 5.4.0 models/gpt2. Its _init_weights has a smaller deviation for
// c_proj, but compares whole parameter names with "c_proj.weight", so it never applies.
#include <cmath>

#include "sim/models/config_reader.h"
#include "sim/models/family_table.h"

namespace loadproof::sim {
namespace {

void read(ConfigReader& reader, ModelConfig& config) {
  config.vocab_size = reader.size("vocab_size", kVocabMax);
  config.hidden_size = reader.size("n_embd", kWidthMax / 4);
  config.heads = config.kv_heads = reader.size("n_head", kWidthMax);
  config.positions_max = reader.size("n_positions", kVocabMax, 1024);
  config.intermediate_size = reader.size("n_inner", kWidthMax, 4 * config.hidden_size);
  if (config.hidden_size % config.heads != 0) reader.fault("n_embd", "is not a multiple of n_head");
  config.head_dim = std::max<int64_t>(1, config.hidden_size / config.heads);
  set_layer_types(config, reader.size("n_layer", kLayersMax), LayerType::kFull);
  read_activation(reader, config, "activation_function", "gelu_new");
  config.norm_eps = reader.positive("layer_norm_epsilon", 1e-5);
  config.initializer_range = reader.positive("initializer_range", 0.02);
  config.attention_scale = reader.flag("scale_attn_weights", true)
                               ? 1.0 / std::sqrt(static_cast<double>(config.head_dim))
                               : 1.0;
  config.scale_by_layer = reader.flag("scale_attn_by_inverse_layer_idx", false);
  config.upcast_attention = reader.flag("reorder_and_upcast_attn", false);
  config.tie_word_embeddings = reader.flag("tie_word_embeddings", true);
  config.qkv_bias = config.output_bias = config.mlp_bias = true;
  config.pad_token = reader.token("pad_token_id", std::nullopt);
  config.eos_tokens = reader.tokens("eos_token_id", {50256});
  if (reader.flag("add_cross_attention", false))
    reader.fault("add_cross_attention", "is true, which is not supported");
}

}  // namespace

const Family kGpt2 = {.model_type = "gpt2",
                      .module = "GPT2",
                      .architecture = "GPT2LMHeadModel",
                      .norm = NormKind::kLayer,
                      .mlp = MlpKind::kPlain,
                      .gpt2_layout = true,
                      .pads_embedding = false,
                      .read = read};

}  // namespace loadproof::sim
