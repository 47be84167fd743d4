#include "sim/models/forward.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/sim/models/model_fixture.h"

namespace loadproof::sim {
namespace {

using Rows = std::vector<std::vector<int64_t>>;

// How far `logits` are from the golden row-major numbers: the greatest difference over the greatest
// magnitude, and how many are equal to the last bit.
struct Distance {
  double relative = 0;
  int64_t equal = 0, count = 0;
};

Distance distance(const at::Tensor& logits, const nlohmann::json& expected) {
  const std::vector<double> want = expected.is_array() && expected[0].is_array()
                                       ? [&] {
                                           std::vector<double> flat;
                                           for (const auto& row : expected)
                                             for (double value : row) flat.push_back(value);
                                           return flat;
                                         }()
                                       : expected.get<std::vector<double>>();
  const at::Tensor have = logits.to(at::kDouble).contiguous().view(-1);
  EXPECT_EQ(have.numel(), static_cast<int64_t>(want.size()));
  Distance result{.count = have.numel()};
  double greatest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double value = have.const_data_ptr<double>()[i];
    result.relative = std::max(result.relative, std::abs(value - want[i]));
    greatest = std::max(greatest, std::abs(want[i]));
    result.equal += value == want[i] ? 1 : 0;
  }
  result.relative /= greatest;
  return result;
}

// Greedy steps are compared up to the first whose margin is an exact tie.
bool same_until_tie(const std::vector<int64_t>& have, const nlohmann::json& want,
                    const nlohmann::json& margins) {
  for (size_t i = 0; i < have.size(); ++i) {
    if (margins.is_array() && margins[i].get<double>() == 0) return true;
    if (have[i] != want[i].get<int64_t>()) return false;
  }
  return true;
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { at::set_num_threads(1); }
};

void check_prompt(const Loaded& loaded, const std::vector<int64_t>& prompt,
                  const nlohmann::json& want, AttentionKind attention, double tolerance,
                  const std::string& label) {
  SCOPED_TRACE(label);
  const at::Tensor ids = ids_of({prompt});
  const at::Tensor logits =
      forward(loaded.model, loaded.tensors, {.ids = ids, .mask = {}, .attention = attention});
  const Distance last = distance(logits.select(1, -1), want["last_logits"]);
  EXPECT_LE(last.relative, tolerance);
  if (want.contains("all_logits") && want["all_logits"].is_array()) {
    EXPECT_LE(distance(logits, want["all_logits"]).relative, tolerance);
  }
  std::printf("  %-60s %4ld of %4ld bit-equal, greatest difference %.2g\n", label.c_str(),
              last.equal, last.count, last.relative);
  const nlohmann::json margins = want.value("greedy_margins_no_cache", nlohmann::json());
  for (bool cache : {true, false}) {
    const auto tokens = greedy(loaded, ids, std::nullopt, 8, cache, attention);
    const char* key = cache ? "greedy8" : "greedy8_no_cache";
    if (!want.contains(key)) continue;
    EXPECT_TRUE(same_until_tie(tokens[0], want[key], margins))
        << key << ": " << nlohmann::json(tokens[0]).dump() << " for " << want[key].dump()
        << " margins " << margins.dump();
  }
}

TEST_P(Golden, LogitsAndGreedyTokensAreThoseOfTheRealLibrary) {
  c10::InferenceMode guard;
  const nlohmann::json file = golden(GetParam());
  const auto attention =
      file["attn_implementation"] == "sdpa" ? AttentionKind::kSdpa : AttentionKind::kEager;
  for (const auto& [dtype, runs] : file["runs"].items()) {
    const Loaded loaded = load(file["checkpoint"], dtype_named(dtype));
    const double tolerance = dtype == "float32" ? 1e-5 : dtype == "float16" ? 2e-3 : 2e-2;
    for (size_t i = 0; i < file["prompts"].size(); ++i) {
      const std::string key = "prompt" + std::to_string(i);
      if (runs.contains(key))
        check_prompt(loaded, file["prompts"][i], runs[key], attention, tolerance,
                     GetParam() + " " + dtype + " " + key);
    }
    if (!runs.contains("leftpad")) continue;
    const nlohmann::json& pad = runs["leftpad"];
    const at::Tensor ids = ids_of(pad["input_ids"].get<Rows>());
    const at::Tensor mask = ids_of(pad["attention_mask"].get<Rows>());
    const at::Tensor logits =
        forward(loaded.model, loaded.tensors, {.ids = ids, .mask = mask, .attention = attention});
    const Distance last = distance(logits.select(1, -1), pad["last_logits"]);
    EXPECT_LE(last.relative, tolerance);
    std::printf("  %-60s %4ld of %4ld bit-equal, greatest difference %.2g\n",
                (GetParam() + " " + dtype + " leftpad").c_str(), last.equal, last.count,
                last.relative);
    const auto tokens = greedy(loaded, ids, mask, 8, true, attention);
    if (dtype == "float32") {
      EXPECT_EQ(tokens, pad["greedy8"].get<Rows>());
    }
  }
}

// NAME.json, and NAME.sdpa.json, of each checkpoint NAME.
std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  const std::filesystem::path root = LOADPROOF_SOURCE_DIR;
  for (const auto& entry : std::filesystem::directory_iterator(root / "scenarios/models"))
    for (const char* kind : {"", ".sdpa"}) {
      const std::string name = entry.path().filename().string() + kind;
      if (std::filesystem::exists(root / "tests/golden" / (name + ".json"))) names.push_back(name);
    }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_names()), [](const auto& each) {
  std::string name = each.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
}  // namespace loadproof::sim
