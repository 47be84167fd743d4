// How true is what a run on shapes alone foretells, and how much faster is it than a run with
// bytes?
//
//   BM_Foretold/zeros/RANKS/MIB, /empty/…   a model of so many MiB is read on rank 0, held on the
//                     others, broadcast and sharded, with bytes. `counted_mib` is the sum of the
//                     most that the kernel counted for each rank after a step, `foretold_mib` that
//                     of a dry run, `off_percent` by how much it is off; `of_dry` the time over
//                     that of the dry run
//   BM_DryRanks/N     Llama-3.1-405B on N ranks, dry, where the first rank of each node reads it
//                     and the others hold written zeros. `kinds` of ranks were run; `per_rank` is
//                     the time over N, in seconds
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "bench/cases.h"
#include "bench/clock.h"
#include "bench/form.h"

namespace loadproof::bench {
namespace {

using harness::Case;
Case load_of(int64_t ranks, int64_t mebibytes, const std::string& as) {
  return case_of_text(fmt::format(
      "world: {{ranks: {}}}\nbackend: sim\n"
      "tensors: {{'w.{{0..7}}': {{shape: [{}, 512], dtype: bfloat16, from: file}}}}\n"
      "steps:\n"
      "  - alloc: {{of: all, as: meta}}\n"
      "  - read:  {{of: all, ranks: 0}}\n"
      "  - alloc: {{of: all, ranks: r>0, as: {}}}\n"
      "  - each:  {{of: all, do: [{{broadcast: {{of: it, src: 0}}}}, {{shard: {{of: it}}}}]}}\n",
      ranks, mebibytes * 1024 / 8, as));
}

// The most of each rank, summed up; by the kernel's count, or as foretold.
double counted(const Observation& seen) {
  int64_t sum = 0;
  for (const MemoryObservation& one : seen.memory) {
    int64_t most = 0;
    for (const MemorySample& sample : one.samples) most = std::max(most, sample.committed);
    sum += most * static_cast<int64_t>(one.ranks.size());
  }
  return static_cast<double>(sum);
}

double foretold(const Observation& seen) {
  int64_t sum = 0;
  for (const MemoryObservation& one : seen.memory) {
    int64_t most = 0;
    for (const MemorySample& sample : one.samples)
      most = std::max(most, sample.after[Device::kCpu].resident);
    sum += most * static_cast<int64_t>(one.ranks.size());
  }
  return static_cast<double>(sum);
}

void BM_Foretold(benchmark::State& state, const std::string& as) {
  const Case plan = load_of(state.range(0), state.range(1), as);
  sim::Session session;
  sim::WorldSpec spec = world_of(plan);
  spec.memory = spec.committed = true;
  double real_s = 0, dry_s = 0, kernel = 0, shapes = 0;
  for ([[maybe_unused]] auto _ : state) {
    spec.dry = true;
    auto begin = Clock::now();
    const auto dry = session.run(spec);
    dry_s += seconds_since(begin);
    spec.dry = false;
    begin = Clock::now();
    const auto real = session.run(spec);
    real_s += seconds_since(begin);
    if (!dry || !real) return state.SkipWithError((dry ? real : dry).error().message.c_str());
    kernel = counted(*real);
    shapes = foretold(*dry);
    state.SetIterationTime(real_s);
  }
  state.counters["counted_mib"] = kernel / 1048576;
  state.counters["foretold_mib"] = shapes / 1048576;
  state.counters["off_percent"] = (shapes - kernel) / kernel * 100;
  state.counters["of_dry"] = real_s / dry_s;
}

void BM_DryRanks(benchmark::State& state) {
  const Case plan = case_of_text(fmt::format(
      "model: {}\ndry: true\nworld: {{nodes: {}, ranks_per_node: 8}}\n"
      "steps:\n"
      "  - alloc: {{of: all, as: meta}}\n"
      "  - read:  {{of: file, ranks: local 0}}\n"
      "  - alloc: {{of: file, ranks: local>0, as: zeros}}\n"
      "  - each:\n"
      "      of: param\n"
      "      do: [{{broadcast: {{of: it, src: 0}}}}, {{shard: {{of: it}}}}]\n",
      LOADPROOF_SOURCE_DIR "/scenarios/models/llama3.1_405b", state.range(0) / 8));
  sim::Session session;
  sim::WorldSpec spec = world_of(plan);
  spec.memory = true;
  double seconds = 0;
  size_t kinds = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto begin = Clock::now();
    const auto seen = session.run(spec);
    seconds += seconds_since(begin);
    if (!seen) return state.SkipWithError(seen.error().message.c_str());
    kinds = seen->ranks.size();
  }
  state.counters["kinds"] = static_cast<double>(kinds);
  state.counters["per_rank"] =
      seconds / static_cast<double>(state.iterations()) / static_cast<double>(state.range(0));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({2, 64});
  if (form() == Form::kInstant) return;
  bench->Args({2, 512})->Args({8, 64})->Args({64, 40});
  if (form() == Form::kShort) return;
  bench->Args({2, 1024})->Args({2, 4096})->Args({4, 2048})->Args({16, 512})->Args({64, 128});
}

BENCHMARK_CAPTURE(BM_Foretold, zeros, std::string("zeros"))
    ->Apply(sizes)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Foretold, empty, std::string("empty"))
    ->Apply(sizes)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_DryRanks)->RangeMultiplier(8)->Range(32, by_form(32, 16384, 16384))
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loadproof::bench

BENCHMARK_MAIN();
