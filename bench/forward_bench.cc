// How long does a model of a scenario take: the prompt's forward pass, and 8 sampled tokens after
// it with a cache? Tiny Qwen2 checkpoints, one thread, weights in memory.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <string>
#include <vector>

#include "sim/check.h"
#include "sim/checkpoint/checkpoint.h"
#include "sim/scalar_type.h"
#include "sim/models/generate.h"
#include "sim/models/initialise.h"

namespace loadproof::sim {
namespace {

const std::vector<int64_t> kPrompt = {5, 17, 42, 99, 3};

struct Loaded {
  Model model;
  std::vector<at::Tensor> tensors;
};

// REQUIRES: each parameter is one tensor of the file.
Loaded load(const std::string& name) {
  at::set_num_threads(1);
  const std::string dir = std::string(LOADPROOF_SOURCE_DIR) + "/scenarios/models/" + name;
  Loaded loaded{.model = describe_model(read_config(dir).value()).value(), .tensors = {}};
  const Checkpoint checkpoint = Checkpoint::open(dir).value();
  for (const TensorSpec& spec : loaded.model.tensors) {
    if (spec.kind == TensorKind::kRuntimeBuffer) {
      loaded.tensors.push_back(analytic_value(loaded.model, spec).value());
      continue;
    }
    if (!spec.tied_to.empty()) {
      loaded.tensors.push_back(loaded.tensors[static_cast<size_t>(loaded.model.at.embedding)]);
      continue;
    }
    const CheckpointTensor* found = checkpoint.find(spec.pieces.at(0).key);
    SIM_CHECK(found != nullptr && spec.pieces.size() == 1, "{}", spec.name);
    loaded.tensors.push_back(at::empty(spec.shape, scalar_type(spec.dtype)));
    std::memcpy(loaded.tensors.back().data_ptr(), found->bytes.data(), found->bytes.size());
  }
  return loaded;
}

void BM_ForwardOfPrompt(benchmark::State& state, const char* name) {
  const Loaded loaded = load(name);
  c10::InferenceMode inference;
  const ForwardInput input{.ids = at::tensor(kPrompt, at::kLong).unsqueeze(0), .mask = {}};
  for (auto _ : state)
    benchmark::DoNotOptimize(forward(loaded.model, loaded.tensors, input).data_ptr());
}

void BM_Generate8(benchmark::State& state, const char* name) {
  const Loaded loaded = load(name);
  const GenerateOptions options{.prompt = kPrompt, .eos_tokens = {}};
  SIM_CHECK(generate(loaded.model, loaded.tensors, options).tokens.size() == 8, "{}", name);
  for (auto _ : state)
    benchmark::DoNotOptimize(generate(loaded.model, loaded.tensors, options).tokens.data());
}

BENCHMARK_CAPTURE(BM_ForwardOfPrompt, fp32, "qwen2_tied_fp32");
BENCHMARK_CAPTURE(BM_ForwardOfPrompt, bf16, "qwen2_tied_bf16");
BENCHMARK_CAPTURE(BM_ForwardOfPrompt, fp16, "qwen2_tied_fp16");
BENCHMARK_CAPTURE(BM_Generate8, fp32, "qwen2_tied_fp32");
BENCHMARK_CAPTURE(BM_Generate8, bf16, "qwen2_tied_bf16");
BENCHMARK_CAPTURE(BM_Generate8, fp16, "qwen2_tied_fp16");

}  // namespace
}  // namespace loadproof::sim

BENCHMARK_MAIN();
