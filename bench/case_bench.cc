// What does one case cost?
//
//   BM_WarmCase/sim, /gloo   two ranks load a real checkpoint, broadcast, draw 8 tokens, are judged
//   BM_WarmCaseOfRanks/N     the same on N sim ranks: growth with the world
//   BM_DefectiveCase         the founding bug, with the search for what reaches sampling
//
// `of_real_stack` is 0.0285 s, the median of one warm case on the real libraries (torch 2.11.0 with
// Gloo, transformers 5.4.0, two processes that are up already), over the time of ours.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/cases.h"

namespace {

using namespace loadproof;
using namespace loadproof::harness;

constexpr double kRealStackSeconds = 0.0285;

Case case_of(const std::string& variant, const std::string& backend, int64_t ranks) {
  return bench::case_of_file(LOADPROOF_SOURCE_DIR "/scenarios/smoke/ram_efficient_loading.yaml",
                             {.only = {{"variant", variant}}, .ranks = ranks, .backend = backend});
}

void run(benchmark::State& state, const std::string& variant, const std::string& backend,
         int64_t ranks) {
  const Case plan = case_of(variant, backend, ranks);
  sim::Session session;
  for (int warm = 0; warm < 2; ++warm)
    if (const std::string wrong = bench::first_run(session, plan); !wrong.empty())
      return state.SkipWithError(wrong.c_str());
  for (auto _ : state) benchmark::DoNotOptimize(run_case(session, plan, {}));
  state.counters["of_real_stack"] =
      benchmark::Counter(kRealStackSeconds, benchmark::Counter::kIsIterationInvariantRate);
}

void BM_WarmCase(benchmark::State& state, const std::string& backend) {
  run(state, "broadcast", backend, 2);
}
BENCHMARK_CAPTURE(BM_WarmCase, sim, "sim")->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(BM_WarmCase, gloo, "gloo")->Unit(benchmark::kMicrosecond)->UseRealTime();

void BM_WarmCaseOfRanks(benchmark::State& state) { run(state, "broadcast", "sim", state.range(0)); }
BENCHMARK(BM_WarmCaseOfRanks)
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void BM_DefectiveCase(benchmark::State& state) { run(state, "5.4.0", "sim", 2); }
BENCHMARK(BM_DefectiveCase)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
