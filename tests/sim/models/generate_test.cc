#include "sim/models/generate.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/sim/models/model_fixture.h"

namespace loadproof::sim {
namespace {

using Tokens = std::vector<int64_t>;
using testing::HasSubstr;

const Tokens kPrompt = {5, 17, 42, 99, 3};

GenerateResult run(const Loaded& loaded, GenerateOptions options = {}) {
  at::set_num_threads(1);
  if (options.prompt.empty()) options.prompt = kPrompt;
  return generate(loaded.model, loaded.tensors, options);
}

void fill(Loaded& loaded, const std::function<bool(const TensorSpec&)>& which, double value) {
  for (size_t i = 0; i < loaded.tensors.size(); ++i)
    if (which(loaded.model.tensors[i])) loaded.tensors[i].fill_(value);
}
std::function<bool(const TensorSpec&)> holding(const std::string& part) {
  return [part](const TensorSpec& spec) { return spec.name.find(part) != std::string::npos; };
}
bool is_parameter(const TensorSpec& spec) { return spec.kind == TensorKind::kParameter; }

bool all_as_in_checkpoint(const nlohmann::json& states) {
  for (const auto& state : states)
    if (state != "ckpt") return false;
  return true;
}

TEST(Generate, DrawsTheTokensOfTheRealLibraryInEveryRecordedCase) {
  const nlohmann::json cases = read_json("tests/golden/transformers.json")["cases"];
  std::map<std::string, Loaded> models;
  int compared = 0;
  for (const auto& each : cases) {
    const std::string checkpoint = each["checkpoint"];
    if (!models.contains(checkpoint)) models.emplace(checkpoint, load(checkpoint));
    for (const auto& rank : each["ranks"]) {
      const char* end = rank.contains("at_end") ? "at_end" : "after_load";
      if (!rank.contains("generate") || !rank["generate"].is_array()) continue;
      if (!all_as_in_checkpoint(rank[end])) continue;
      const GenerateResult result = run(models.at(checkpoint));
      EXPECT_EQ(result.error, "");
      EXPECT_EQ(result.tokens, rank["generate"].get<Tokens>()) << each["id"];
      const nlohmann::json& forward = rank["forward"];
      EXPECT_EQ(result.prompt.elements, forward["numel"].get<int64_t>());
      EXPECT_EQ(result.prompt.nan, forward["nan"].get<int64_t>());
      EXPECT_EQ(result.prompt.argmax, forward["argmax_last"].get<int64_t>());
      EXPECT_EQ(result.prompt.all_equal, forward["all_equal"].get<bool>());
      EXPECT_NEAR(result.prompt.max_prob, forward["max_prob"].get<double>(), 1e-5);
      ++compared;
    }
  }
  std::printf("  %d ranks with the checkpoint's values compared\n", compared);
  EXPECT_GT(compared, 60);
}

TEST(Generate, ZeroWeightsGiveEqualLogitsAndUniformDraws) {
  for (const char* name : {"qwen2_tied_bf16", "qwen2_untied_fp32", "gpt2_tied_fp32"}) {
    Loaded loaded = load(name);
    fill(loaded, is_parameter, 0);
    const GenerateResult result = run(loaded);
    EXPECT_EQ(result.tokens, (Tokens{216, 161, 175, 169, 46, 171, 162, 71})) << name;
    EXPECT_TRUE(result.prompt.all_equal);
    EXPECT_EQ(result.prompt.argmax, 0);
  }
}

TEST(Generate, NanWeightsEndInTheErrorOfTheRealSampling) {
  Loaded loaded = load("qwen2_tied_bf16");
  fill(loaded, is_parameter, std::nan(""));
  const GenerateResult result = run(loaded);
  EXPECT_EQ(result.error, "probability tensor contains either `inf`, `nan` or element < 0");
  ASSERT_TRUE(result.guard);
  EXPECT_EQ(result.guard->kind, GuardKind::kNan);
  EXPECT_EQ(result.guard->count, 256);
  EXPECT_EQ(result.failed_at, 0);
  EXPECT_EQ(result.prompt.nan, 1280);
  EXPECT_EQ(result.prompt.argmax, 0);
  EXPECT_FALSE(result.prompt.all_equal);
  EXPECT_TRUE(std::isnan(result.prompt.max_prob));
}

TEST(Generate, GreedyOnNanIsSilentAndGivesTokenZero) {
  Loaded loaded = load("qwen2_tied_bf16");
  fill(loaded, is_parameter, std::nan(""));
  const GenerateResult result =
      run(loaded, {.prompt = {}, .mode = SampleMode::kGreedy, .eos_tokens = {}});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.tokens, Tokens(8, 0));
  EXPECT_EQ(result.sampled_nan, 8 * 256);
}

// Attention hides NaN: the kernel of scaled_dot_product_attention makes zeros of a row of NaN
// scores, the softmax of eager attention does not. The kernel does so only where there is no mask
// and there are fewer keys than a vector register has floats: 8 with AVX2, 16 with AVX-512.
TEST(Generate, SdpaHidesNanOfQueriesKeysAndRotations) {
  for (const char* part : {"q_proj.weight", "k_proj.weight", "rotary_emb.inv_freq"}) {
    Loaded loaded = load("qwen2_untied_fp32");
    const GenerateOptions short_one{.prompt = kPrompt, .new_tokens = 3, .eos_tokens = {}};
    const GenerateResult healthy = run(loaded, short_one);
    fill(loaded, holding(part), std::nan(""));
    const GenerateResult hidden = run(loaded, short_one);
    EXPECT_EQ(hidden.tokens.size(), 3u) << part;
    EXPECT_EQ(hidden.error, "") << part;
    EXPECT_EQ(hidden.prompt.nan, 0) << part;
    EXPECT_NE(hidden.prompt.digest, healthy.prompt.digest) << part;
    const GenerateResult shown =
        run(loaded, {.prompt = {}, .attention = AttentionKind::kEager, .eos_tokens = {}});
    EXPECT_THAT(shown.error, HasSubstr("`inf`, `nan` or element < 0")) << part;
  }
}

TEST(Generate, NanAnywhereElseIsNeverHidden) {
  for (const char* part :
       {"v_proj.weight", "o_proj.weight", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
        "input_layernorm", "post_attention_layernorm", "model.norm", "embed_tokens", "lm_head"}) {
    for (AttentionKind kind : {AttentionKind::kSdpa, AttentionKind::kEager}) {
      Loaded loaded = load("qwen2_untied_fp32");
      fill(loaded, holding(part), std::nan(""));
      const GenerateResult result =
          run(loaded, {.prompt = {}, .attention = kind, .eos_tokens = {}});
      EXPECT_THAT(result.error, HasSubstr("`inf`, `nan` or element < 0")) << part;
    }
  }
}

TEST(Generate, ThePaddingRowIsHarmlessWhereItIsUnusedAndUntied) {
  Loaded untied = load("qwen2_untied_bf16");
  const GenerateResult healthy = run(untied);
  untied["model.embed_tokens.weight"].select(0, 0).fill_(std::nan(""));
  EXPECT_EQ(run(untied).tokens, healthy.tokens);
  EXPECT_EQ(run(untied).prompt.nan, 0);
}

TEST(Generate, ThePaddingRowOfATiedHeadIsOneNanLogitAPosition) {
  Loaded tied = load("qwen2_tied_bf16");
  tied["model.embed_tokens.weight"].select(0, 0).fill_(std::nan(""));
  const GenerateResult result = run(tied);
  EXPECT_EQ(result.prompt.nan, 5);
  EXPECT_EQ(result.prompt.argmax, 0);
  EXPECT_THAT(result.error, HasSubstr("`inf`, `nan` or element < 0"));
}

TEST(Generate, ThePaddingRowSpreadsThroughAMaskedPrompt) {
  Loaded untied = load("qwen2_untied_bf16");
  untied["model.embed_tokens.weight"].select(0, 0).fill_(std::nan(""));
  const at::Tensor ids = ids_of({{0, 0, 5, 17, 42}});
  const at::Tensor mask = ids_of({{0, 0, 1, 1, 1}});
  const at::Tensor logits = forward(untied.model, untied.tensors, {.ids = ids, .mask = mask});
  EXPECT_EQ(logits_statistics(logits).nan, logits.numel());
}

TEST(Generate, CacheAndNoCacheDrawTheSameTokens) {
  for (const char* name : {"qwen2_untied_fp32", "gemma2_tied_fp32", "gpt2_tied_fp32"}) {
    const Loaded loaded = load(name);
    EXPECT_EQ(run(loaded).tokens,
              run(loaded, {.prompt = {}, .use_cache = false, .eos_tokens = {}}).tokens)
        << name;
  }
}

TEST(Generate, IsTheSameTwiceAndChangesWithTheSeed) {
  const Loaded loaded = load("qwen2_tied_bf16");
  const GenerateResult once = run(loaded), again = run(loaded);
  EXPECT_EQ(once.tokens, again.tokens);
  EXPECT_EQ(once.prompt, again.prompt);
  EXPECT_NE(run(loaded, {.prompt = {}, .seed = 100, .eos_tokens = {}}).tokens, once.tokens);
}

TEST(Generate, BeamSearchFindsWhatTheRealLibraryFinds) {
  for (const auto& row : golden("beams")) {
    Loaded loaded = load(row["checkpoint"]);
    if (row["nan"]) fill(loaded, is_parameter, std::nan(""));
    const GenerateResult result = run(loaded, {.prompt = kPrompt,
                                               .mode = SampleMode::kBeam,
                                               .beams = row["beams"],
                                               .eos_tokens = row["eos"].get<Tokens>()});
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.tokens, row["tokens"].get<Tokens>()) << row.dump();
  }
}

TEST(Generate, TopKOneIsGreedyAndEosEndsIt) {
  const Loaded loaded = load("qwen2_untied_fp32");
  const Tokens greedy =
      run(loaded, {.prompt = {}, .mode = SampleMode::kGreedy, .eos_tokens = {}}).tokens;
  EXPECT_EQ(run(loaded, {.prompt = {}, .top_k = 1, .eos_tokens = {}}).tokens, greedy);
  const GenerateResult ended =
      run(loaded, {.prompt = {}, .mode = SampleMode::kGreedy, .eos_tokens = {greedy[0]}});
  EXPECT_EQ(ended.tokens, Tokens{greedy[0]});
}

TEST(Generate, ErrorsOfTheOperationsAreResultsNotExceptions) {
  Loaded loaded = load("qwen2_tied_fp32");
  EXPECT_THAT(run(loaded, {.prompt = {5, 100000}, .eos_tokens = {}}).error,
              HasSubstr("index out of range"));
  EXPECT_EQ(generate(loaded.model, loaded.tensors, {}).error, "the prompt is empty");
  loaded["model.norm.weight"] = loaded["model.norm.weight"].narrow(0, 0, 7);
  const GenerateResult result = run(loaded);
  EXPECT_THAT(result.error, HasSubstr("must match"));
  EXPECT_EQ(result.failed_at, 0);
}

Loaded with_meta(const char* name, const std::string& part) {
  Loaded loaded = load(name);
  for (size_t i = 0; i < loaded.tensors.size(); ++i)
    if (holding(part)(loaded.model.tensors[i])) loaded.tensors[i] = loaded.tensors[i].to(at::kMeta);
  return loaded;
}

TEST(Generate, AWeightOfALinearLeftOnMetaIsNoErrorOfTheProduct) {
  for (const char* part : {"q_proj.weight", "o_proj.weight", "mlp.down_proj", "lm_head"}) {
    const Loaded loaded = with_meta("qwen2_untied_fp32", part);
    const at::Tensor logits =
        forward(loaded.model, loaded.tensors, {.ids = ids_of({kPrompt}), .mask = {}});
    EXPECT_TRUE(logits.is_cpu()) << part;
    EXPECT_EQ(logits.numel(), 1280) << part;
  }
  EXPECT_EQ(run(with_meta("gpt2_tied_fp32", "c_attn.weight")).prompt.elements, 1280);
}

TEST(Generate, AnyOtherTensorLeftOnMetaIsAnError) {
  for (const char* part :
       {"embed_tokens", "q_proj.bias", "input_layernorm", "model.norm", "rotary_emb.inv_freq"}) {
    const GenerateResult result = run(with_meta("qwen2_untied_fp32", part));
    EXPECT_NE(result.error, "") << part;
    EXPECT_EQ(result.guard, std::nullopt) << part;
    EXPECT_TRUE(result.tokens.empty()) << part;
  }
}

}  // namespace
}  // namespace loadproof::sim
