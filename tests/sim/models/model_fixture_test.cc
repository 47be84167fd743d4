#include "tests/sim/models/model_fixture.h"

#include <ATen/Context.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <fstream>

#include "sim/check.h"
#include "sim/checkpoint/checkpoint.h"
#include "sim/models/initialise.h"
#include "sim/scalar_type.h"

namespace loadproof::sim {
namespace {

void copy_pieces(const Checkpoint& checkpoint, const TensorSpec& spec, at::Tensor& tensor) {
  for (const FilePiece& piece : spec.pieces) {
    const CheckpointTensor* found = checkpoint.find(piece.key);
    SIM_CHECK(found != nullptr, "no {}", piece.key);
    SIM_CHECK(found->shape == piece.shape, "shape of {}", piece.key);
    at::Tensor box = tensor;
    for (size_t d = 0; d < piece.begin.size(); ++d)
      box = box.narrow(static_cast<int64_t>(d), piece.begin[d], piece.size[d]);
    at::Tensor source = at::empty(box.sizes(), scalar_type(found->dtype));
    std::memcpy(source.data_ptr(), found->bytes.data(), found->bytes.size());
    box.copy_(source);
  }
}

}  // namespace

int Loaded::index(std::string_view name) const {
  for (size_t i = 0; i < model.tensors.size(); ++i)
    if (model.tensors[i].name == name) return static_cast<int>(i);
  SIM_CHECK(false, "no {}", name);
}

at::Tensor& Loaded::operator[](std::string_view name) {
  return tensors[static_cast<size_t>(index(name))];
}

Loaded load(const std::string& name, std::optional<DType> dtype) {
  at::globalContext();
  const std::string dir = "scenarios/models/" + name;
  const Result<ModelConfig> config = read_config(dir);
  SIM_CHECK(config.has_value(), "{}", config.error().message);
  Result<Model> model = describe_model(*config, dtype);
  SIM_CHECK(model.has_value(), "{}", model.error().message);
  const Result<Checkpoint> checkpoint = Checkpoint::open(dir);
  SIM_CHECK(checkpoint.has_value(), "{}", checkpoint.error().message);
  Loaded loaded{.model = std::move(*model), .tensors = {}};
  for (const TensorSpec& spec : loaded.model.tensors) {
    if (!spec.tied_to.empty()) {
      loaded.tensors.push_back(loaded[spec.tied_to]);
    } else if (spec.kind == TensorKind::kRuntimeBuffer) {
      loaded.tensors.push_back(analytic_value(loaded.model, spec).value());
    } else {
      at::Tensor tensor = at::empty(spec.shape, scalar_type(spec.dtype));
      copy_pieces(*checkpoint, spec, tensor);
      loaded.tensors.push_back(tensor);
    }
  }
  return loaded;
}

nlohmann::json read_json(const std::string& path) {
  std::ifstream stream(path);
  SIM_CHECK(stream.good(), "no {}", path);
  return nlohmann::json::parse(stream);
}

nlohmann::json golden(const std::string& name) {
  return read_json("tests/golden/" + name + ".json");
}

at::Tensor ids_of(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<int64_t> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return at::tensor(flat, at::kLong)
      .view({static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
}

std::vector<std::vector<int64_t>> greedy(const Loaded& loaded, const at::Tensor& ids,
                                         std::optional<at::Tensor> mask, int64_t tokens,
                                         bool use_cache, AttentionKind attention) {
  std::vector<std::vector<int64_t>> result(static_cast<size_t>(ids.size(0)));
  KvCache cache;
  at::Tensor all = ids, next = ids;
  for (int64_t step = 0; step < tokens; ++step) {
    const ForwardInput input{.ids = use_cache ? next : all,
                             .mask = mask,
                             .cache = use_cache ? &cache : nullptr,
                             .attention = attention};
    const at::Tensor logits = forward(loaded.model, loaded.tensors, input);
    next = at::argmax(logits.select(1, -1).to(at::kFloat), -1).unsqueeze(1);
    all = at::cat({all, next}, 1);
    if (mask) mask = at::cat({*mask, at::ones({ids.size(0), 1}, at::kLong)}, 1);
    for (size_t row = 0; row < result.size(); ++row)
      result[row].push_back(next.const_data_ptr<int64_t>()[row]);
  }
  return result;
}

}  // namespace loadproof::sim
