#include "sim/models/family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/checkpoint/checkpoint.h"
#include "tests/sim/models/model_fixture.h"

namespace loadproof::sim {
namespace {

using nlohmann::json;

std::vector<std::string> model_types() {
  std::vector<std::string> names;
  for (const Family* family : families()) names.emplace_back(family->model_type);
  return names;
}

class OfEachFamily : public testing::TestWithParam<std::string> {
 protected:
  Model describe(bool tied) const {
    ModelConfig config = read_config("tests/golden/configs/" + GetParam()).value();
    config.tie_word_embeddings = tied;
    return describe_model(config, DType::kBFloat16).value();
  }
};

// The order of Gemma 3's buffers is that of a Python set: names are sorted on both sides.
json by_name(json rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const json& a, const json& b) {
    return (a["name"].get<std::string>().find("rotary_emb") != std::string::npos) &&
           (b["name"].get<std::string>().find("rotary_emb") != std::string::npos) &&
           a["name"] < b["name"];
  });
  return rows;
}

json rows_of(const Model& model) {
  json rows = json::array();
  for (const TensorSpec& spec : model.tensors) {
    if (!spec.tied_to.empty()) continue;
    rows.push_back({{"name", spec.name},
                    {"kind", std::string(name(spec.kind))},
                    {"shape", spec.shape},
                    {"dtype", std::string(name(spec.dtype))},
                    {"module", spec.module_type}});
  }
  return rows;
}

TEST_P(OfEachFamily, TensorsAreThoseOfTheRealLibraryInItsOrder) {
  for (const json& each : golden("tensors_" + GetParam())) {
    json want = json::array();
    for (json row : each["tensors"]) {
      for (const char* key : {"init", "value", "std", "zero_rows"}) row.erase(key);
      want.push_back(row);
    }
    EXPECT_EQ(by_name(rows_of(describe(each["tied"]))), by_name(want));
  }
}

TEST_P(OfEachFamily, TiedHeadsStandAfterTheParametersAndBeforeTheBuffers) {
  const Model model = describe(true);
  const TensorSpec& head = model.tensors[static_cast<size_t>(model.at.head)];
  EXPECT_EQ(head.name, "lm_head.weight");
  EXPECT_EQ(head.tied_to, model.tensors[static_cast<size_t>(model.at.embedding)].name);
  EXPECT_TRUE(head.pieces.empty());
  for (int i = 0; i < static_cast<int>(model.tensors.size()); ++i) {
    const TensorSpec& spec = model.tensors[static_cast<size_t>(i)];
    EXPECT_EQ(spec.kind == TensorKind::kParameter, i <= model.at.head) << spec.name;
    EXPECT_EQ(spec.tied_to.empty(), i != model.at.head) << spec.name;
  }
  EXPECT_EQ(describe(false).tensors[static_cast<size_t>(model.at.head)].tied_to, "");
}

TEST_P(OfEachFamily, PiecesCoverEachParameterOnce) {
  const Model model = describe(false);
  for (const TensorSpec& spec : model.tensors) {
    if (spec.kind != TensorKind::kParameter) continue;
    int64_t covered = 0;
    for (const FilePiece& piece : spec.pieces) {
      EXPECT_EQ(element_count(piece.shape), element_count(piece.size));
      covered += element_count(piece.size);
      for (size_t d = 0; d < spec.shape.size(); ++d)
        EXPECT_LE(piece.begin[d] + piece.size[d], spec.shape[d]) << piece.key;
    }
    EXPECT_EQ(covered, element_count(spec.shape)) << spec.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, OfEachFamily, testing::ValuesIn(model_types()),
                         [](const auto& each) { return each.param; });

// The real library writes the checkpoint, so that its keys are the truth about pieces.
TEST(Pieces, NameExactlyTheKeysOfEveryRealCheckpoint) {
  for (const char* name :
       {"qwen2_tied_bf16", "qwen2_untied_fp32_sharded", "qwen3_untied_fp32", "llama_tied_bf16",
        "llama3_untied_fp32", "mistral_window_fp32", "gemma2_tied_fp32", "gemma3_tied_fp32",
        "gpt2_tied_fp32", "mixtral_untied_bf16", "qwen2moe_untied_fp32"}) {
    const std::string dir = std::string("scenarios/models/") + name;
    const Model model = describe_model(read_config(dir).value()).value();
    std::vector<std::string> have, want;
    for (const TensorSpec& spec : model.tensors)
      for (const FilePiece& piece : spec.pieces) have.push_back(piece.key);
    const Checkpoint checkpoint = Checkpoint::open(dir).value();
    for (const CheckpointTensor& tensor : checkpoint.tensors()) want.push_back(tensor.key);
    EXPECT_THAT(have, testing::UnorderedElementsAreArray(want)) << name;
  }
}

TEST(Families, AreFoundByTheirModelTypeAlone) {
  for (const Family* family : families()) EXPECT_EQ(family_of(family->model_type), family);
  EXPECT_EQ(family_of("qwen"), nullptr);
  EXPECT_EQ(family_of(""), nullptr);
}

TEST(Families, RefuseAModelThatNoMachineCouldHold) {
  ModelConfig config = read_config("tests/golden/configs/mixtral").value();
  config.hidden_size = config.vocab_size = config.intermediate_size = config.expert_size = 1 << 20;
  config.experts = 1024;
  config.layer_types.resize(1024, LayerType::kFull);
  const Result<Model> model = describe_model(config);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, testing::HasSubstr("mixtral"));
}

}  // namespace
}  // namespace loadproof::sim
