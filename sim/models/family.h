// Model families: what tells one from another, and the tensors that a config gives them.
//
// A family is a row of a table (one file each, all listed in family.cc); its parameters, buffers
// and forward pass are put together from shared parts by what the row says. Names, order, shapes
// and dtypes are those of transformers 5.4.0. Model is a value, immutable once described.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/models/config.h"
#include "sim/result.h"
#include "sim/tensor_spec.h"

namespace loadproof::sim {

class ConfigReader;

enum class NormKind : uint8_t {
  kRms,    // x / rms(x) in float32, cast, times weight
  kGemma,  // x / rms(x) times (1 + weight), all in float32, cast
  kLayer,  // layer_norm with weight and bias
};
enum class MlpKind : uint8_t {
  kGated,             // down(act(gate(x)) * up(x))
  kPlain,             // GPT-2: c_proj(act(c_fc(x)))
  kExperts,           // Mixtral: top-k of experts, each gated
  kExpertsAndShared,  // Qwen2-MoE: as well as one that every token uses, behind a sigmoid gate
};

struct Family {
  std::string_view model_type;
  std::string_view module;        // what its module types begin with: "Qwen2"
  std::string_view architecture;  // "Qwen2ForCausalLM"
  NormKind norm = NormKind::kRms;
  MlpKind mlp = MlpKind::kGated;
  bool gpt2_layout = false;       // Conv1D, fused qkv, learned positions, other names
  bool query_key_norm = false;    // each head of q and k is normalised
  bool sandwich_norms = false;    // the attention's and the MLP's outputs are normalised too
  bool scaled_embedding = false;  // embeddings are multiplied by sqrt(hidden_size), a buffer
  bool pads_embedding = true;     // the initialiser zeroes the row of the padding token
  // In the file: the folder of the experts and the names of their gate, up and down projections.
  std::string_view expert_folder = "mlp";
  std::array<std::string_view, 3> expert_keys = {"gate_proj", "up_proj", "down_proj"};
  void (*read)(ConfigReader& reader, ModelConfig& config) = nullptr;
};

std::span<const Family* const> families();
const Family* family_of(std::string_view model_type);  // nullptr where there is none

// Where the tensors of one part are in Model::tensors; -1: it has none.
struct WeightAt {
  int weight = -1;
  int bias = -1;
};
struct LayerAt {
  WeightAt input_norm, post_attention_norm, pre_mlp_norm, post_mlp_norm;
  WeightAt q, k, v, qkv, output, q_norm, k_norm;
  WeightAt gate, up, down;  // of the MLP or the shared expert
  WeightAt router, experts_gate_up, experts_down, shared_gate;
};
struct ModelAt {
  int embedding = -1, embedding_scale = -1, positions = -1, head = -1;
  int inverse_frequencies = -1, inverse_frequencies_sliding = -1;
  WeightAt norm;
  std::vector<LayerAt> layers;
};

struct Model {
  const Family* family = nullptr;
  ModelConfig config;
  DType dtype = DType::kFloat32;    // of parameters and logits
  std::vector<TensorSpec> tensors;  // parameters, then tied names, then buffers
  ModelAt at;
};

// The dtype is the override, else the config's, else float32. An error where the model is too large
// to be described.
Result<Model> describe_model(const ModelConfig& config, std::optional<DType> dtype = std::nullopt);

}  // namespace loadproof::sim
