// Models of which there is a config.json and no weights: they have as many parameters as published.
#include <gtest/gtest.h>

#include <string>

#include "sim/models/family.h"

namespace loadproof::sim {
namespace {

int64_t parameters(const std::string& name) {
  const Result<ModelConfig> config = read_config("scenarios/models/" + name);
  EXPECT_TRUE(config) << config.error().message;
  if (!config) return 0;
  const Result<Model> model = describe_model(*config, std::nullopt);
  EXPECT_TRUE(model) << model.error().message;
  int64_t count = 0;
  for (const TensorSpec& spec : model ? model->tensors : std::vector<TensorSpec>())
    if (spec.kind == TensorKind::kParameter && spec.tied_to.empty())
      count += element_count(spec.shape);
  return count;
}

// Of the models' own cards and files: 405.85, 72.7 and 140.6 billion.
TEST(PublishedSizes, AreThoseOfTheDescribedModels) {
  EXPECT_EQ(parameters("llama3.1_405b"), 405'853'388'800);
  EXPECT_EQ(parameters("qwen2.5_72b"), 72'706'203'648);
  EXPECT_EQ(parameters("mixtral_8x22b"), 140'620'634'112);
}

// 671 billion in a layout of our own, with attention of Qwen2-MoE in place of DeepSeek's.
TEST(PublishedSizes, AreNearWhereTheLayoutIsAnother) {
  EXPECT_NEAR(static_cast<double>(parameters("deepseek_v3_scale")), 671e9, 0.01 * 671e9);
}

}  // namespace
}  // namespace loadproof::sim
