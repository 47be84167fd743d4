// What a config.json of the Hugging Face layout says about a model, in one shape for all families.
//
// A plain value: names are ours, defaults are filled in as transformers 5.4.0 fills them in, and
// what a family fixes (such as the biases of Qwen2) is set. Both spellings of rotary embeddings are
// read: `rope_parameters` of version 5, and `rope_theta` with `rope_scaling` of version 4. An error
// lists every fault of the file, each with the file's name and the key; nothing here throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/dtype.h"
#include "sim/result.h"

namespace loadproof::sim {

enum class LayerType : uint8_t { kFull, kSliding };
enum class RopeType : uint8_t { kDefault, kLinear, kLlama3 };
enum class Activation : uint8_t { kSilu, kGelu, kGeluNew, kGeluTanh, kRelu };

struct RopeParameters {
  RopeType type = RopeType::kDefault;
  double theta = 10000;
  double factor = 1;               // linear, llama3
  double low_freq_factor = 1;      // llama3
  double high_freq_factor = 4;     // llama3
  int64_t original_positions = 0;  // llama3: the context length of the first training
  bool operator==(const RopeParameters&) const = default;
};

struct ModelConfig {
  std::string model_type;
  std::optional<DType> dtype;  // as the file declares it; a checkpoint's own may differ
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t positions_max = 0;  // GPT-2 has an embedding of each
  double norm_eps = 0;
  double initializer_range = 0;
  Activation activation = Activation::kSilu;
  bool tie_word_embeddings = false;
  bool qkv_bias = false;
  bool output_bias = false;  // of the attention's last projection
  bool mlp_bias = false;
  std::vector<LayerType> layer_types;  // one a layer
  int64_t sliding_window = 0;          // tokens a sliding layer sees, itself included
  RopeParameters rope;  // of full attention, and of sliding where rope_sliding is unset
  std::optional<RopeParameters> rope_sliding;
  double attention_scale = 0;     // what scores are multiplied by
  bool scale_by_layer = false;    // GPT-2: further divided by the layer's number, from 1
  bool upcast_attention = false;  // GPT-2: eager scores in float32
  std::optional<double> attention_softcap;
  std::optional<double> logit_softcap;
  int64_t experts = 0;
  int64_t experts_per_token = 0;
  int64_t expert_size = 0;  // intermediate size of one expert
  int64_t shared_expert_size = 0;
  bool normalise_experts = false;   // weights of the chosen experts add up to one
  std::vector<bool> sparse_layers;  // which layers have experts; empty where none has
  std::optional<int64_t> pad_token;
  std::vector<int64_t> eos_tokens;

  int64_t layers() const { return static_cast<int64_t>(layer_types.size()); }
  bool operator==(const ModelConfig&) const = default;
};

// Reads `dir`/config.json.
Result<ModelConfig> read_config(const std::filesystem::path& dir);
// `file` is what errors call the text.
Result<ModelConfig> parse_config(std::string_view json, std::string_view file);

}  // namespace loadproof::sim
