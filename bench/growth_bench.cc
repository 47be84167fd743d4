// How does the time of a case grow with what is in it?
//
//   BM_GrowthOfRanks/N       4 tensors read by rank 0 and broadcast to N ranks, in one process
//   BM_GrowthOfTensors/N     N tensors, 4,096 at most, read by rank 0 and broadcast to another
//   BM_GrowthOfSteps/N       N steps that each fill one small tensor
//   BM_GrowthOfBytes/N       one tensor of N KiB, read and broadcast
//   BM_GrowthOfRows/N        N steps that each write a row of one tensor: a state with N intervals
//   BM_GrowthOfColumns/N     a tensor of N rows, cut into columns for two ranks and gathered again
//   BM_StateMapWrites/N      N writes of 8 bytes into one map of states, none beside the one before
//   BM_StateMapSplice/N      one splice of N intervals into a map of N intervals
//
// Each is run, and judged by all oracles. `judged` is the judges' share of the time. `BigO` is what
// Google Benchmark fits; ci/bench tells the exponent between neighbouring sizes beside it. Rows
// grow with the square of N, since each step is put into the log with all states of its tensor.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>

#include "bench/cases.h"
#include "bench/clock.h"
#include "bench/form.h"
#include "harness/judge.h"
#include "sim/state.h"

namespace loadproof::bench {
namespace {

void run(benchmark::State& state, const std::string& text) {
  const harness::Case plan = case_of_text(text);
  sim::Session session;
  if (const std::string wrong = first_run(session, plan); !wrong.empty())
    return state.SkipWithError(wrong.c_str());
  double judging = 0;
  double whole = 0;
  for ([[maybe_unused]] auto iteration : state) {
    const auto begin = Clock::now();
    const auto seen = session.run(harness::world_of(plan));
    const auto middle = Clock::now();
    benchmark::DoNotOptimize(harness::judge(plan, *seen));
    judging += seconds_since(middle);
    const double took = seconds_since(begin);
    whole += took;
    state.SetIterationTime(took);
  }
  state.counters["judged"] = judging / whole;
  state.SetComplexityN(state.range(0));
}

std::string broadcast_of(int64_t ranks, int64_t tensors, int64_t elements) {
  return fmt::format(
      "backend: sim\nworld: {{ranks: {}}}\n"
      "tensors:\n  \"w{{0..{}}}\": {{shape: [{}], from: file}}\n"
      "steps:\n"
      "  - read: {{of: file, ranks: 0}}\n"
      "  - alloc: {{of: param, ranks: r>0, as: empty}}\n"
      "  - broadcast: {{of: param, src: 0}}\n",
      ranks, tensors - 1, elements);
}

// `step` has its number for `{}`.
std::string steps_of(int64_t count, int64_t rows, fmt::format_string<int64_t&> step) {
  std::string text = fmt::format(
      "backend: sim\nworld: {{ranks: 1}}\n"
      "tensors:\n  s: {{shape: [{}, 4], kind: scratch}}\n  w: {{shape: [4], from: file}}\n"
      "steps:\n  - read: {{of: w}}\n  - alloc: {{of: s, as: empty}}\n",
      rows);
  for (int64_t i = 0; i < count; ++i) text += fmt::format(step, i);
  return text;
}

void BM_GrowthOfRanks(benchmark::State& state) { run(state, broadcast_of(state.range(0), 4, 64)); }

void BM_GrowthOfTensors(benchmark::State& state) {
  run(state, broadcast_of(2, state.range(0), 64));
}

void BM_GrowthOfSteps(benchmark::State& state) {
  run(state, steps_of(state.range(0), 1, "  - fill: {{id: f{}, of: s, with: ones}}\n"));
}

void BM_GrowthOfBytes(benchmark::State& state) {
  run(state, broadcast_of(2, 1, state.range(0) * 256));
}

void BM_GrowthOfRows(benchmark::State& state) {
  run(state,
      steps_of(state.range(0), state.range(0), "  - fill: {{of: s, with: ones, rows: [{}]}}\n"));
}

void BM_GrowthOfColumns(benchmark::State& state) {
  run(state, fmt::format("backend: sim\nworld: {{ranks: 2}}\n"
                         "tensors:\n  w: {{shape: [{}, 8], from: file}}\n"
                         "steps:\n  - read: {{of: w}}\n  - shard: {{of: w, dim: 1}}\n"
                         "  - gather: {{of: w}}\n",
                         state.range(0)));
}

void BM_StateMapWrites(benchmark::State& state) {
  const int64_t count = state.range(0);
  for ([[maybe_unused]] auto iteration : state) {
    StateMap map(count * 16, Cell{0, 0});
    for (int64_t i = 0; i < count; ++i) map.write(i * 16, i * 16 + 8, Cell{1, 0});
    benchmark::DoNotOptimize(map.intervals().data());
  }
  state.counters["per_write"] =
      benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
  state.SetComplexityN(count);
}

StateMap map_of(int64_t intervals, OriginId first) {
  std::vector<Interval> cells;
  for (int64_t i = 0; i < intervals; ++i)
    cells.push_back({i * 8, i * 8 + 8, {first + static_cast<OriginId>(i % 2), 0}});
  StateMap map(intervals * 8, Cell{first, 0});
  map.splice(0, intervals * 8, cells);
  return map;
}

void BM_StateMapSplice(benchmark::State& state) {
  const int64_t count = state.range(0);
  StateMap map = map_of(count, 0);
  const std::vector<Interval> cells = map_of(count, 2).intervals();
  for ([[maybe_unused]] auto iteration : state) {
    map.splice(0, count * 8, cells);
    benchmark::DoNotOptimize(map.intervals().data());
  }
  state.SetComplexityN(count);
}

// `most`: in the long form.
void sizes(benchmark::internal::Benchmark* bench, int64_t from, int64_t to, int64_t most) {
  const int64_t last = by_form(from * 4, to, most);
  bench->RangeMultiplier(4)->Range(from, last)->Complexity()->Unit(benchmark::kMillisecond);
}

void cases(benchmark::internal::Benchmark* bench, int64_t from, int64_t to, int64_t most) {
  sizes(bench->UseManualTime(), from, to, most);
}

BENCHMARK(BM_GrowthOfRanks)->Apply([](auto* bench) { cases(bench, 4, 4096, 16384); });
BENCHMARK(BM_GrowthOfTensors)->Apply([](auto* bench) { cases(bench, 4, 4096, 4096); });
BENCHMARK(BM_GrowthOfSteps)->Apply([](auto* bench) { cases(bench, 4, 4096, 16384); });
BENCHMARK(BM_GrowthOfBytes)->Apply([](auto* bench) { cases(bench, 16, 65536, 1 << 20); });
BENCHMARK(BM_GrowthOfRows)->Apply([](auto* bench) { cases(bench, 4, 4096, 16384); });
BENCHMARK(BM_GrowthOfColumns)->Apply([](auto* bench) { cases(bench, 4, 4096, 16384); });
BENCHMARK(BM_StateMapWrites)->Apply([](auto* bench) { sizes(bench, 16, 4096, 16384); });
BENCHMARK(BM_StateMapSplice)->Apply([](auto* bench) { sizes(bench, 16, 65536, 1 << 20); });

}  // namespace
}  // namespace loadproof::bench

BENCHMARK_MAIN();
