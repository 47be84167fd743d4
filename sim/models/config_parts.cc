#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "sim/models/config_reader.h"

namespace loadproof::sim {
namespace {

constexpr std::string_view kActivations[] = {"silu", "gelu", "gelu_new", "gelu_pytorch_tanh",
                                             "relu", "swish"};
constexpr Activation kActivationValues[] = {Activation::kSilu,    Activation::kGelu,
                                            Activation::kGeluNew, Activation::kGeluTanh,
                                            Activation::kRelu,    Activation::kSilu};
constexpr std::string_view kRopeTypes[] = {"default", "linear", "llama3"};
constexpr std::string_view kLayerTypes[] = {"full_attention", "sliding_attention"};

}  // namespace

void read_activation(ConfigReader& reader, ModelConfig& config, std::string_view key,
                     std::string_view otherwise) {
  config.activation = kActivationValues[reader.choice(key, otherwise, kActivations)];
}

void read_sizes(ConfigReader& reader, ModelConfig& config, const SizeDefaults& defaults) {
  config.vocab_size = reader.size("vocab_size", kVocabMax);
  config.hidden_size = reader.size("hidden_size", kWidthMax);
  config.intermediate_size = reader.size("intermediate_size", kWidthMax);
  config.heads = reader.size("num_attention_heads", kWidthMax);
  config.kv_heads = reader.size("num_key_value_heads", kWidthMax, config.heads);
  // Where the heads do not divide the width and no head_dim is given, check_sizes says so.
  config.head_dim =
      reader.size("head_dim", kWidthMax,
                  defaults.head_dim > 0 ? defaults.head_dim
                                        : std::max<int64_t>(1, config.hidden_size / config.heads));
  config.positions_max =
      reader.size("max_position_embeddings", kPositionsMax, defaults.positions_max);
  config.norm_eps = reader.positive("rms_norm_eps", defaults.norm_eps);
  config.initializer_range = reader.positive("initializer_range", 0.02);
  config.attention_scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  config.tie_word_embeddings = reader.flag("tie_word_embeddings", defaults.tied);
}

void set_layer_types(ModelConfig& config, int64_t count, LayerType type) {
  config.layer_types.assign(static_cast<size_t>(count), type);
}

void read_layer_types(ConfigReader& reader, ModelConfig& config, int64_t count,
                      const std::function<bool(int64_t)>& slides) {
  const std::vector<std::string> names = reader.texts("layer_types");
  if (reader.has("layer_types") && static_cast<int64_t>(names.size()) != count)
    reader.fault("layer_types",
                 fmt::format("has {} entries, but num_hidden_layers is {}", names.size(), count));
  set_layer_types(config, count, LayerType::kFull);
  for (size_t i = 0; i < config.layer_types.size(); ++i) {
    bool sliding = slides(static_cast<int64_t>(i));
    if (i < names.size()) {
      sliding = names[i] == kLayerTypes[1];
      if (!sliding && names[i] != kLayerTypes[0])
        reader.fault("layer_types", fmt::format("has \"{}\", which is not supported; supported: {}",
                                                names[i], fmt::join(kLayerTypes, ", ")));
    }
    if (sliding) config.layer_types[i] = LayerType::kSliding;
  }
  if (slides_anywhere(config) && config.sliding_window == 0)
    reader.fault("layer_types", "has sliding layers, but there is no sliding_window");
}

bool slides_anywhere(const ModelConfig& config) {
  for (LayerType type : config.layer_types)
    if (type == LayerType::kSliding) return true;
  return false;
}

RopeParameters read_rope_object(ConfigReader& reader, double theta, int64_t positions_max) {
  RopeParameters rope;
  const std::string_view key = reader.has("rope_type") ? "rope_type" : "type";
  rope.type = static_cast<RopeType>(reader.choice(key, "default", kRopeTypes));
  rope.theta = reader.positive("rope_theta", theta);
  if (reader.positive("partial_rotary_factor", 1.0) != 1.0)
    reader.fault("partial_rotary_factor", "other than 1 is not supported");
  if (rope.type == RopeType::kDefault) return rope;
  rope.factor = reader.positive("factor");
  if (rope.type == RopeType::kLinear) return rope;
  rope.low_freq_factor = reader.positive("low_freq_factor");
  rope.high_freq_factor = reader.positive("high_freq_factor");
  rope.original_positions =
      reader.size("original_max_position_embeddings", kPositionsMax, positions_max);
  return rope;
}

void read_rope(ConfigReader& reader, ModelConfig& config, double default_theta) {
  const double theta = reader.positive("rope_theta", default_theta);
  ConfigReader inner =
      reader.object(reader.has("rope_scaling") ? "rope_scaling" : "rope_parameters");
  config.rope = read_rope_object(inner, theta, config.positions_max);
  reader.take(inner);
}

void check_sizes(ConfigReader& reader, const ModelConfig& config) {
  if (!reader.has("head_dim") && config.hidden_size % config.heads != 0)
    reader.fault("hidden_size", fmt::format("is {}, which is not a multiple of the {} heads",
                                            config.hidden_size, config.heads));
  if (config.heads % config.kv_heads != 0)
    reader.fault("num_key_value_heads", fmt::format("is {}, which does not divide the {} heads",
                                                    config.kv_heads, config.heads));
  if (config.head_dim % 2 != 0 && config.model_type != "gpt2")
    reader.fault("head_dim",
                 fmt::format("is {}, but rotary embeddings need it to be even", config.head_dim));
  if (config.heads * config.head_dim > kWidthMax)
    reader.fault("num_attention_heads", fmt::format("times head_dim is {}, more than {}",
                                                    config.heads * config.head_dim, kWidthMax));
  if (config.experts_per_token > config.experts)
    reader.fault("num_experts_per_tok", fmt::format("is {}, but there are {} experts",
                                                    config.experts_per_token, config.experts));
}

}  // namespace loadproof::sim
