#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sim/models/family.h"

namespace loadproof::sim {
namespace {

constexpr double kElementsMax = 1e14;
constexpr int64_t kExpertTensorsMax = 65536;

// Appends a model's tensors in the order of the real library's module tree and notes where they
// are.
class Describer {
 public:
  explicit Describer(Model& model) : model_(model), config_(model.config), family_(*model.family) {}

  void describe() {
    std::string root = family_.gpt2_layout ? "transformer." : "model.";
    embeddings(root);
    for (int64_t i = 0; i < config_.layers(); ++i) {
      const std::string layer =
          fmt::format("{}{}.{}.", root, family_.gpt2_layout ? "h" : "layers", i);
      model_.at.layers.push_back(family_.gpt2_layout ? gpt2_layer(layer) : layer_of(layer, i));
    }
    model_.at.norm = norm(root + (family_.gpt2_layout ? "ln_f" : "norm"), config_.hidden_size);
    head(model_.tensors[static_cast<size_t>(model_.at.embedding)].name);
    if (!family_.gpt2_layout) buffers(root);
  }

 private:
  using Shape = std::vector<int64_t>;

  int add(TensorSpec spec) {
    model_.tensors.push_back(std::move(spec));
    return static_cast<int>(model_.tensors.size()) - 1;
  }
  int parameter(const std::string& name, Shape shape, std::string module, Init init) {
    TensorSpec spec{.name = name,
                    .dtype = model_.dtype,
                    .shape = shape,
                    .module_type = std::move(module),
                    .init = init,
                    .tied_to = {},
                    .pieces = {}};
    spec.pieces.push_back(
        {.key = name, .shape = shape, .begin = Shape(shape.size(), 0), .size = shape});
    return add(std::move(spec));
  }
  Init normal() const { return {InitKind::kNormal, config_.initializer_range}; }
  WeightAt linear(const std::string& name, int64_t out, int64_t in, bool bias) {
    WeightAt at;
    at.weight = parameter(name + ".weight", {out, in}, "Linear", normal());
    if (bias) at.bias = parameter(name + ".bias", {out}, "Linear", {InitKind::kZeros});
    return at;
  }
  WeightAt conv1d(const std::string& name, int64_t in, int64_t out) {
    WeightAt at;
    at.weight = parameter(name + ".weight", {in, out}, "Conv1D", normal());
    at.bias = parameter(name + ".bias", {out}, "Conv1D", {InitKind::kZeros});
    return at;
  }
  WeightAt norm(const std::string& name, int64_t size) {
    const bool layer_norm = family_.norm == NormKind::kLayer;
    const std::string module = layer_norm ? "LayerNorm" : fmt::format("{}RMSNorm", family_.module);
    const InitKind kind = family_.norm == NormKind::kGemma ? InitKind::kZeros : InitKind::kOnes;
    WeightAt at;
    at.weight = parameter(name + ".weight", {size}, module, {kind});
    if (layer_norm) at.bias = parameter(name + ".bias", {size}, module, {InitKind::kZeros});
    return at;
  }

  void embeddings(const std::string& root) {
    const std::string module = family_.scaled_embedding
                                   ? fmt::format("{}TextScaledWordEmbedding", family_.module)
                                   : std::string("Embedding");
    model_.at.embedding =
        parameter(root + (family_.gpt2_layout ? "wte" : "embed_tokens") + ".weight",
                  {config_.vocab_size, config_.hidden_size}, module, normal());
    if (family_.gpt2_layout)
      model_.at.positions = parameter(
          root + "wpe.weight", {config_.positions_max, config_.hidden_size}, module, normal());
  }
  void head(const std::string& embedding) {
    const Shape shape = {config_.vocab_size, config_.hidden_size};
    if (!config_.tie_word_embeddings) {
      model_.at.head = parameter("lm_head.weight", shape, "Linear", normal());
      return;
    }
    model_.at.head = add({.name = "lm_head.weight",
                          .dtype = model_.dtype,
                          .shape = shape,
                          .module_type = "Linear",
                          .init = normal(),
                          .tied_to = embedding,
                          .pieces = {}});
  }

  LayerAt layer_of(const std::string& name, int64_t index) {
    LayerAt at;
    attention(name + "self_attn.", at);
    const bool sparse =
        !config_.sparse_layers.empty() && config_.sparse_layers[static_cast<size_t>(index)];
    if (sparse)
      experts(name, at);
    else
      gated(name + "mlp.", config_.intermediate_size, at);
    at.input_norm = norm(name + "input_layernorm", config_.hidden_size);
    const WeightAt after = norm(name + "post_attention_layernorm", config_.hidden_size);
    (family_.sandwich_norms ? at.post_attention_norm : at.pre_mlp_norm) = after;
    if (family_.sandwich_norms) {
      at.pre_mlp_norm = norm(name + "pre_feedforward_layernorm", config_.hidden_size);
      at.post_mlp_norm = norm(name + "post_feedforward_layernorm", config_.hidden_size);
    }
    return at;
  }
  void attention(const std::string& name, LayerAt& at) {
    const int64_t width = config_.heads * config_.head_dim;
    const int64_t kv_width = config_.kv_heads * config_.head_dim;
    at.q = linear(name + "q_proj", width, config_.hidden_size, config_.qkv_bias);
    at.k = linear(name + "k_proj", kv_width, config_.hidden_size, config_.qkv_bias);
    at.v = linear(name + "v_proj", kv_width, config_.hidden_size, config_.qkv_bias);
    at.output = linear(name + "o_proj", config_.hidden_size, width, config_.output_bias);
    if (!family_.query_key_norm) return;
    at.q_norm = norm(name + "q_norm", config_.head_dim);
    at.k_norm = norm(name + "k_norm", config_.head_dim);
  }
  void gated(const std::string& name, int64_t size, LayerAt& at) {
    at.gate = linear(name + "gate_proj", size, config_.hidden_size, config_.mlp_bias);
    at.up = linear(name + "up_proj", size, config_.hidden_size, config_.mlp_bias);
    at.down = linear(name + "down_proj", config_.hidden_size, size, config_.mlp_bias);
  }

  // The file has one matrix a projection and expert; in memory the experts are stacked, and gate
  // and up are the two halves of one tensor.
  void experts(const std::string& layer, LayerAt& at) {
    const int64_t hidden = config_.hidden_size, size = config_.expert_size;
    const std::string folder = fmt::format("{}{}.", layer, family_.expert_folder);
    at.router.weight = parameter(layer + "mlp.gate.weight", {config_.experts, hidden},
                                 fmt::format("{}TopKRouter", family_.module), normal());
    model_.tensors.back().pieces[0].key = folder + "gate.weight";
    at.experts_gate_up.weight = stacked(layer + "mlp.experts.gate_up_proj", 2 * size, hidden);
    for (int64_t i = 0; i < config_.experts; ++i)
      for (int64_t half : {0, 1})
        piece(folder, i, static_cast<size_t>(half), {size, hidden}, half * size);
    at.experts_down.weight = stacked(layer + "mlp.experts.down_proj", hidden, size);
    for (int64_t i = 0; i < config_.experts; ++i) piece(folder, i, 2, {hidden, size}, 0);
    if (family_.mlp != MlpKind::kExpertsAndShared) return;
    gated(layer + "mlp.shared_expert.", config_.shared_expert_size, at);
    at.shared_gate = linear(layer + "mlp.shared_expert_gate", 1, hidden, false);
  }
  int stacked(const std::string& name, int64_t rows, int64_t columns) {
    return add({.name = name,
                .dtype = model_.dtype,
                .shape = {config_.experts, rows, columns},
                .module_type = fmt::format("{}Experts", family_.module),
                .init = normal(),
                .tied_to = {},
                .pieces = {}});
  }
  // Of the tensor that was added last.
  void piece(const std::string& folder, int64_t expert, size_t projection, Shape shape,
             int64_t row) {
    std::string key =
        fmt::format("{}experts.{}.{}.weight", folder, expert, family_.expert_keys[projection]);
    model_.tensors.back().pieces.push_back({.key = std::move(key),
                                            .shape = shape,
                                            .begin = {expert, row, 0},
                                            .size = {1, shape[0], shape[1]}});
  }

  LayerAt gpt2_layer(const std::string& name) {
    const int64_t hidden = config_.hidden_size;
    LayerAt at;
    at.input_norm = norm(name + "ln_1", hidden);
    at.qkv = conv1d(name + "attn.c_attn", hidden, 3 * hidden);
    at.output = conv1d(name + "attn.c_proj", hidden, hidden);
    at.pre_mlp_norm = norm(name + "ln_2", hidden);
    at.up = conv1d(name + "mlp.c_fc", hidden, config_.intermediate_size);
    at.down = conv1d(name + "mlp.c_proj", config_.intermediate_size, hidden);
    return at;
  }

  int buffer(const std::string& name, DType dtype, Shape shape, std::string module) {
    return add({.name = name,
                .kind = TensorKind::kRuntimeBuffer,
                .dtype = dtype,
                .shape = std::move(shape),
                .module_type = std::move(module),
                .init = {InitKind::kAnalytic},
                .tied_to = {},
                .pieces = {}});
  }
  // RoPE's frequencies stay in float32 whatever the model's dtype is; the embedding's scale does
  // not.
  int frequencies(const std::string& root, const std::string& layer_type) {
    const std::string module = fmt::format("{}RotaryEmbedding", family_.module);
    const std::string name = root + "rotary_emb." + layer_type;
    const int at = buffer(name + "inv_freq", DType::kFloat32, {config_.head_dim / 2}, module);
    buffer(name + "original_inv_freq", DType::kFloat32, {config_.head_dim / 2}, module);
    return at;
  }
  void buffers(const std::string& root) {
    if (family_.scaled_embedding)
      model_.at.embedding_scale = buffer(root + "embed_tokens.embed_scale", model_.dtype, {},
                                         fmt::format("{}TextScaledWordEmbedding", family_.module));
    if (!config_.rope_sliding) {
      model_.at.inverse_frequencies = model_.at.inverse_frequencies_sliding = frequencies(root, "");
      return;
    }
    // The real order is that of a Python set of strings, which changes from run to run: ours is
    // that of the layers.
    std::vector<LayerType> seen;
    for (LayerType type : config_.layer_types) {
      if (std::find(seen.begin(), seen.end(), type) != seen.end()) continue;
      seen.push_back(type);
      if (type == LayerType::kFull)
        model_.at.inverse_frequencies = frequencies(root, "full_attention_");
      else
        model_.at.inverse_frequencies_sliding = frequencies(root, "sliding_attention_");
    }
  }

  Model& model_;
  const ModelConfig& config_;
  const Family& family_;
};

}  // namespace

Result<Model> describe_model(const ModelConfig& config, std::optional<DType> dtype) {
  Model model;
  model.family = family_of(config.model_type);
  if (model.family == nullptr)
    return fail(fmt::format("model_type \"{}\" is unknown", config.model_type));
  const auto layers = static_cast<double>(config.layers());
  const auto hidden = static_cast<double>(config.hidden_size);
  const int64_t positions = model.family->gpt2_layout ? config.positions_max : 0;
  const double elements = hidden * static_cast<double>(2 * config.vocab_size + positions) +
                          layers * hidden *
                              (4.0 * static_cast<double>(config.heads * config.head_dim) +
                               3.0 * static_cast<double>(config.intermediate_size) +
                               3.0 * static_cast<double>(config.experts * config.expert_size));
  if (elements > kElementsMax || config.layers() * config.experts > kExpertTensorsMax)
    return fail(fmt::format("a {} with these sizes has more than {:g} elements or {} experts",
                            config.model_type, kElementsMax, kExpertTensorsMax));
  model.config = config;
  model.dtype = dtype.value_or(config.dtype.value_or(DType::kFloat32));
  Describer(model).describe();
  return model;
}

}  // namespace loadproof::sim
