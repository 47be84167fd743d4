#include "sim/models/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/sim/models/model_fixture.h"

namespace loadproof::sim {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json qwen2() { return read_json("scenarios/models/qwen2_tied_bf16/config.json"); }

std::string fault_of(const json& config) {
  const Result<ModelConfig> result = parse_config(config.dump(), "config.json");
  return result ? "" : result.error().message;
}
std::string fault_with(const char* key, const json& value) {
  json config = qwen2();
  config[key] = value;
  return fault_of(config);
}

TEST(ModelConfig, ReadsWhatTheFileSays) {
  const Result<ModelConfig> config = read_config("scenarios/models/qwen2_tied_bf16");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->model_type, "qwen2");
  EXPECT_EQ(config->dtype, DType::kBFloat16);
  EXPECT_EQ(config->vocab_size, 256);
  EXPECT_EQ(config->layers(), 2);
  EXPECT_EQ(config->kv_heads, 2);
  EXPECT_EQ(config->head_dim, 8);
  EXPECT_TRUE(config->tie_word_embeddings);
  EXPECT_EQ(config->pad_token, 0);
  EXPECT_TRUE(config->eos_tokens.empty());
}

TEST(ModelConfig, ReadsTheSpellingOfVersion4) {
  json old = qwen2();
  old.erase("rope_parameters");
  old.erase("layer_types");
  old["rope_theta"] = 10000.0;
  old["torch_dtype"] = old["dtype"];
  old.erase("dtype");
  EXPECT_EQ(parse_config(old.dump(), "old").value(), parse_config(qwen2().dump(), "new").value());
}

TEST(ModelConfig, ReadsLlama3AndLinearScalingInBothSpellings) {
  json config = read_json("scenarios/models/llama_tied_bf16/config.json");
  config.erase("rope_parameters");
  config["rope_theta"] = 500000.0;
  config["rope_scaling"] = {{"rope_type", "llama3"},
                            {"factor", 8.0},
                            {"low_freq_factor", 1.0},
                            {"high_freq_factor", 4.0},
                            {"original_max_position_embeddings", 64}};
  const RopeParameters llama3 = parse_config(config.dump(), "f").value().rope;
  EXPECT_EQ(llama3, (RopeParameters{RopeType::kLlama3, 500000, 8, 1, 4, 64}));
  json nested = config["rope_scaling"];
  nested["rope_theta"] = 500000.0;
  config.erase("rope_scaling");
  config.erase("rope_theta");
  config["rope_parameters"] = nested;
  EXPECT_EQ(parse_config(config.dump(), "f").value().rope, llama3);
  config["rope_parameters"] = {{"type", "linear"}, {"factor", 4}};
  EXPECT_EQ(parse_config(config.dump(), "f").value().rope,
            (RopeParameters{.type = RopeType::kLinear, .factor = 4}));
}

TEST(ModelConfig, ReadsASpellingOfEachLayerTypeForGemma3) {
  json config = read_json("scenarios/models/gemma2_tied_bf16/config.json");
  config["model_type"] = "gemma3_text";
  config["rope_parameters"] = {
      {"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 1e6}}},
      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 1e4}}}};
  const ModelConfig both = parse_config(config.dump(), "f").value();
  EXPECT_EQ(both.rope, (RopeParameters{RopeType::kLinear, 1e6, 8}));
  EXPECT_EQ(both.rope_sliding, RopeParameters{});
  config.erase("rope_parameters");
  config["rope_theta"] = 1e6;
  config["rope_local_base_freq"] = 1e4;
  config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  EXPECT_EQ(parse_config(config.dump(), "f").value(), both);
}

TEST(ModelConfig, FillsInWhatTheFamilyDefaultsTo) {
  const json sizes = {{"vocab_size", 64},
                      {"hidden_size", 32},
                      {"intermediate_size", 48},
                      {"num_hidden_layers", 3},
                      {"num_attention_heads", 4}};
  const auto with = [&](const char* type) {
    json config = sizes;
    config["model_type"] = type;
    return parse_config(config.dump(), type).value();
  };
  EXPECT_FALSE(with("llama").tie_word_embeddings);
  EXPECT_TRUE(with("gemma2").tie_word_embeddings);
  EXPECT_EQ(with("llama").head_dim, 8);
  EXPECT_EQ(with("qwen3").head_dim, 128);
  EXPECT_EQ(with("mixtral").rope.theta, 1e6);
  EXPECT_EQ(with("mistral").sliding_window, 4096);
  EXPECT_EQ(with("gemma2").layer_types[0], LayerType::kSliding);
  EXPECT_EQ(with("gemma2").layer_types[1], LayerType::kFull);
  EXPECT_EQ(with("qwen2").layer_types[2], LayerType::kFull);
  EXPECT_EQ(with("llama").dtype, std::nullopt);
}

TEST(ModelConfig, NamesTheNearestModelTypeAndAllThatAreKnown) {
  const std::string fault = fault_with("model_type", "qwen_2");
  EXPECT_THAT(fault, HasSubstr("config.json: \"model_type\" is \"qwen_2\""));
  EXPECT_THAT(fault, HasSubstr("did you mean \"qwen2\""));
  EXPECT_THAT(fault, HasSubstr("mixtral"));
}

TEST(ModelConfig, ReportsEveryFaultWithItsKey) {
  json config = qwen2();
  config.erase("vocab_size");
  config["hidden_size"] = "32";
  config["num_attention_heads"] = 0;
  config["rms_norm_eps"] = -1;
  config["tie_word_embeddings"] = 1;
  const std::string fault = fault_of(config);
  EXPECT_THAT(fault, HasSubstr("\"vocab_size\" is missing"));
  EXPECT_THAT(fault, HasSubstr("\"hidden_size\" must be an integer, not string"));
  EXPECT_THAT(fault, HasSubstr("\"num_attention_heads\" is 0, but must be from 1 to"));
  EXPECT_THAT(fault, HasSubstr("\"rms_norm_eps\" is -1"));
  EXPECT_THAT(fault, HasSubstr("\"tie_word_embeddings\" must be true or false, not number"));
}

TEST(ModelConfig, RefusesImpossibleSizes) {
  EXPECT_THAT(fault_with("num_attention_heads", 5), HasSubstr("not a multiple of the 5 heads"));
  EXPECT_THAT(fault_with("num_key_value_heads", 3), HasSubstr("does not divide the 4 heads"));
  EXPECT_THAT(fault_with("hidden_size", -32), HasSubstr("\"hidden_size\" is -32"));
  EXPECT_THAT(fault_with("hidden_size", 18446744073709551615u), HasSubstr("\"hidden_size\" is 18"));
  EXPECT_THAT(fault_with("num_hidden_layers", int64_t{1} << 40),
              HasSubstr("\"num_hidden_layers\""));
  EXPECT_THAT(fault_with("num_hidden_layers", 3), HasSubstr("\"layer_types\" has 2 entries"));
  EXPECT_THAT(fault_with("head_dim", 7), HasSubstr("\"head_dim\" is 7"));
}

TEST(ModelConfig, RefusesWhatItCannotCompute) {
  EXPECT_THAT(fault_with("hidden_act", "gelo"), HasSubstr("did you mean \"gelu\""));
  EXPECT_THAT(fault_with("rope_parameters", {{"rope_type", "yarn"}}),
              HasSubstr("\"rope_parameters.rope_type\" is \"yarn\", which is not supported"));
  EXPECT_THAT(fault_with("dtype", "float8"), HasSubstr("\"dtype\" is \"float8\""));
  EXPECT_THAT(fault_with("layer_types", {"full_attention", "chunked_attention"}),
              HasSubstr("chunked_attention"));
  EXPECT_THAT(fault_with("layer_types", {"full_attention", "sliding_attention"}),
              HasSubstr("no sliding_window"));
}

TEST(ModelConfig, RefusesWhatIsNoJsonObject) {
  for (const char* text : {"", "[]", "{", "{\"model_type\": 3}", "null", "\"qwen2\""}) {
    const Result<ModelConfig> result = parse_config(text, "broken.json");
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().message, HasSubstr("broken.json"));
  }
  EXPECT_THAT(read_config("no/such/folder").error().message,
              HasSubstr("no/such/folder/config.json: cannot be read"));
}

}  // namespace
}  // namespace loadproof::sim
