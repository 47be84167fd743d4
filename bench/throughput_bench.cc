// How many cases does one core run in a second, and what does each part of a case add?
//
//   BM_Cases/sim, /gloo   a warm case of the founding load: two ranks, 27 tensors, 8 tokens, all
//                         oracles. `items_per_second` is cases for each second of processor time of
//                         the whole process, so for each core; `of_wall` the same over cases for
//                         each second of the clock
//   BM_CasesOfAllFills    the same under each of the six fills, on sim. `of_one` is its time over
//                         that of the case under NaN, in turns
//   BM_Step/N             a case with N more steps, each on two ranks. `per_step` is its time less
//                         that of the case without them, over N, in seconds; `of_case` over that
//   BM_World/N            N ranks in one process get four tensors of rank 0: `items_per_second` is
//                         ranks
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "bench/cases.h"
#include "bench/clock.h"
#include "bench/form.h"
#include "sim/memory/fill.h"

namespace loadproof::bench {
namespace {

using harness::Case;
Case founding_case(const std::string& backend, const std::string& fill = "nan") {
  return case_of_file(LOADPROOF_SOURCE_DIR "/scenarios/smoke/ram_efficient_loading.yaml",
                      {.only = {{"variant", "broadcast"}}, .fill = fill, .backend = backend});
}

double run_once(sim::Session& session, const Case& plan) {
  const auto begin = Clock::now();
  benchmark::DoNotOptimize(run_case(session, plan, {}));
  return seconds_since(begin);
}

// Runs each once, and says what is wrong. True: all pass.
bool warm(benchmark::State& state, sim::Session& session, const std::vector<Case>& plans) {
  for (const Case& plan : plans)
    if (const std::string wrong = first_run(session, plan); !wrong.empty()) {
      state.SkipWithError(wrong.c_str());
      return false;
    }
  return true;
}

void BM_Cases(benchmark::State& state, const std::string& backend) {
  const Case plan = founding_case(backend);
  sim::Session session;
  if (!warm(state, session, {plan, plan})) return;
  double wall = 0;
  const std::clock_t begin = std::clock();
  for ([[maybe_unused]] auto iteration : state) wall += run_once(session, plan);
  const double used = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  state.SetItemsProcessed(state.iterations());
  state.counters["of_wall"] = wall / used;
}
BENCHMARK_CAPTURE(BM_Cases, sim, "sim")->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Cases, gloo, "gloo")->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);

void BM_CasesOfAllFills(benchmark::State& state) {
  std::vector<Case> plans;
  for (const sim::FillInfo& fill : sim::fills())
    plans.push_back(founding_case("sim", std::string(fill.name)));
  sim::Session session;
  if (!warm(state, session, plans)) return;
  double one = 0;
  double all = 0;
  for ([[maybe_unused]] auto iteration : state) {
    one += run_once(session, plans[0]);
    double turn = 0;
    for (const Case& plan : plans) turn += run_once(session, plan);
    all += turn;
    state.SetIterationTime(turn);
  }
  state.counters["of_one"] = all / one;
}
BENCHMARK(BM_CasesOfAllFills)->UseManualTime()->Unit(benchmark::kMicrosecond);

Case case_with_steps(int64_t count) {
  std::string text =
      "backend: sim\nworld: {ranks: 2}\nmodel: ../models/qwen2_tied_bf16\n"
      "tensors:\n  spare: {shape: [64], kind: scratch}\n"
      "steps:\n  - read: {of: file}\n  - bind: {of: all, when: tied}\n"
      "  - fill: {of: runtime_buffer, with: init}\n"
      "  - sample: {prompt: [5, 17], tokens: 1}\n";
  for (int64_t i = 0; i < count; ++i)
    text += fmt::format("  - fill: {{id: step{}, of: spare, with: ones}}\n", i);
  return case_of_text(text);
}

void BM_Step(benchmark::State& state) {
  const Case none = case_with_steps(1);
  const Case many = case_with_steps(state.range(0) + 1);
  sim::Session session;
  if (!warm(state, session, {none, many})) return;
  double without = 0;
  double with = 0;
  for ([[maybe_unused]] auto iteration : state) {
    without += run_once(session, none);
    const double took = run_once(session, many);
    with += took;
    state.SetIterationTime(took);
  }
  const auto steps = static_cast<double>(state.range(0));
  state.counters["per_step"] = (with - without) / static_cast<double>(state.iterations()) / steps;
  state.counters["of_case"] = (with - without) / without / steps;
}
BENCHMARK(BM_Step)->Arg(64)->Arg(1024)->UseManualTime()->Unit(benchmark::kMicrosecond);

void BM_World(benchmark::State& state) {
  const Case plan =
      case_of_text(fmt::format("backend: sim\nworld: {{ranks: {}}}\n"
                               "tensors:\n  \"w{{0..3}}\": {{shape: [64], from: file}}\n"
                               "steps:\n  - read: {{of: file, ranks: 0}}\n"
                               "  - alloc: {{of: param, ranks: r>0, as: empty}}\n"
                               "  - broadcast: {{of: param, src: 0}}\n",
                               state.range(0)));
  sim::Session session;
  if (!warm(state, session, {plan})) return;
  for ([[maybe_unused]] auto iteration : state) state.SetIterationTime(run_once(session, plan));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_World)
    ->Arg(64)
    ->Arg(by_form(64, 4096, 4096))
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace loadproof::bench

BENCHMARK_MAIN();
