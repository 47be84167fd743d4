#include "sim/models/initialise.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sim/scalar_type.h"
#include "tests/sim/models/model_fixture.h"

namespace loadproof::sim {
namespace {

using nlohmann::json;

at::Tensor initial(const Model& model, const TensorSpec& spec) {
  at::Tensor tensor = at::full(spec.shape, std::nan(""), scalar_type(spec.dtype));
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(1);
  EXPECT_TRUE(write_initial_value(model, spec, tensor, generator)) << spec.name;
  return tensor.to(at::kFloat);
}

void expect_like(const at::Tensor& tensor, const json& want) {
  SCOPED_TRACE(want["name"].get<std::string>());
  EXPECT_FALSE(tensor.isnan().any().item<bool>());
  if (want["init"] == "constant") {
    EXPECT_TRUE(tensor.eq(want["value"].get<double>()).all().item<bool>());
    return;
  }
  // Of a random tensor the deviation is compared, within five times its own standard error.
  const double deviation = want["std"];
  const double error = 5 / std::sqrt(2.0 * static_cast<double>(tensor.numel()));
  EXPECT_NEAR(tensor.std().item<double>() / deviation, 1, 2 * error);
  std::vector<int64_t> zero_rows;
  for (int64_t row = 0; tensor.dim() == 2 && row < tensor.size(0); ++row)
    if (!tensor[row].any().item<bool>()) zero_rows.push_back(row);
  EXPECT_EQ(zero_rows, want["zero_rows"].get<std::vector<int64_t>>());
}

TEST(Initialise, WritesWhatTheRealInitialiserWritesInEveryFamily) {
  for (const Family* family : families()) {
    const std::string type(family->model_type);
    for (const json& each : golden("tensors_" + type)) {
      ModelConfig config = read_config("tests/golden/configs/" + type).value();
      config.tie_word_embeddings = each["tied"];
      const Model model = describe_model(config, DType::kBFloat16).value();
      std::map<std::string, const TensorSpec*> specs;
      for (const TensorSpec& spec : model.tensors) specs[spec.name] = &spec;
      for (const json& row : each["tensors"])
        expect_like(initial(model, *specs.at(row["name"])), row);
    }
  }
}

TEST(Initialise, GivesTheBuffersOfTheGoldenFilesBitForBit) {
  for (const char* name : {"qwen2_tied_bf16", "qwen3_untied_fp32", "gemma2_tied_bf16",
                           "llama_untied_fp32", "mixtral_untied_fp32"}) {
    const json file = golden(name);
    for (const auto& [dtype, buffers] : file["buffers"].items()) {
      const Model model =
          describe_model(read_config(std::string("scenarios/models/") + name).value(),
                         dtype_named(dtype))
              .value();
      for (const TensorSpec& spec : model.tensors) {
        if (spec.kind != TensorKind::kRuntimeBuffer) continue;
        const at::Tensor value = analytic_value(model, spec).value();
        EXPECT_EQ(value.scalar_type(),
                  scalar_type(*dtype_named(buffers[spec.name][0].get<std::string>())));
        const at::Tensor flat = value.to(at::kDouble).contiguous().view(-1);
        const auto want = buffers[spec.name][1].get<std::vector<double>>();
        ASSERT_EQ(flat.numel(), static_cast<int64_t>(want.size()));
        for (size_t i = 0; i < want.size(); ++i)
          EXPECT_EQ(flat.const_data_ptr<double>()[i], want[i]) << name << " " << spec.name;
      }
    }
  }
}

TEST(Initialise, DrawsTheSameFromTheSameSeed) {
  const Model model = describe_model(read_config("tests/golden/configs/qwen2").value()).value();
  EXPECT_TRUE(at::equal(initial(model, model.tensors[0]), initial(model, model.tensors[0])));
}

TEST(Initialise, LeavesATensorAloneThatTheInitialiserDoesNotKnow) {
  const Model model = describe_model(read_config("tests/golden/configs/qwen2").value()).value();
  TensorSpec spec = model.tensors[1];
  spec.init = {InitKind::kNone};
  at::Tensor tensor = at::full(spec.shape, 7);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(1);
  EXPECT_FALSE(write_initial_value(model, spec, tensor, generator));
  EXPECT_TRUE(tensor.eq(7).all().item<bool>());
  EXPECT_THAT(analytic_value(model, spec).error().message, testing::HasSubstr(spec.name));
}

}  // namespace
}  // namespace loadproof::sim
