// What does poisoned memory cost?
//   1. A GiB that nobody writes: lazily poisoned, against filling it at once and against plain
//      malloc of it. `ratio` is the time over that of malloc, `resident_mib` what it cost in RAM.
//   2. A GiB that is written wholly: lazily poisoned, against plain malloc (`ratio`).
//   3. A small block: allocate, poison, free and poison again, against malloc and free (`ratio`).

#include <benchmark/benchmark.h>
#include <c10/core/CPUAllocator.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "bench/clock.h"
#include "bench/form.h"
#include "sim/memory/poison.h"

namespace {

using loadproof::bench::by_form;
using loadproof::sim::Fill;
using loadproof::bench::Clock, loadproof::bench::seconds_since;

const size_t kGiB = by_form<size_t>(64, 1024, 1024) << 20;  // ctest runs the code, on less

double resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

// Runs `baseline` as often as the state runs `subject`, in turns, so that both see the same
// machine.
template <typename Subject, typename Baseline>
void compare(benchmark::State& state, Subject subject, Baseline baseline) {
  double subject_s = 0, baseline_s = 0;
  for ([[maybe_unused]] auto _ : state) {
    auto begin = Clock::now();
    baseline();
    baseline_s += seconds_since(begin);
    begin = Clock::now();
    subject();
    const double took = seconds_since(begin);
    subject_s += took;
    state.SetIterationTime(took);
  }
  state.counters["ratio"] = subject_s / baseline_s;
}

// `touch` gets the fresh GiB; the blocks are freed inside the time that is measured.
template <typename Touch>
void with_ours(Touch touch) {
  c10::Allocator* ours = c10::GetCPUAllocator();
  void* data = ours->raw_allocate(kGiB);
  touch(data);
  benchmark::DoNotOptimize(data);
  ours->raw_deallocate(data);
}

template <typename Touch>
void with_malloc(Touch touch) {
  void* data = std::malloc(kGiB);
  touch(data);
  benchmark::DoNotOptimize(data);
  std::free(data);
}

void leave(void*) {}
void write(void* data) { std::memset(data, 1, kGiB); }

void gib_lazily(benchmark::State& state) {
  double resident = 0;
  compare(
      state,
      [&] {
        const double before = resident_mib();
        with_ours([&](void*) { resident = resident_mib() - before; });
      },
      [] { with_malloc(leave); });
  state.counters["resident_mib"] = resident;
}

void gib_filled_at_once(benchmark::State& state) {
  compare(
      state,
      [] { with_malloc([](void* data) { loadproof::sim::fill_bytes(data, kGiB, Fill::kNan); }); },
      [] { with_malloc(leave); });
  state.counters["resident_mib"] = static_cast<double>(kGiB) / 1048576;
}

void gib_lazily_then_written(benchmark::State& state) {
  compare(
      state, [] { with_ours(write); }, [] { with_malloc(write); });
}

void gib_without_poison_then_written(benchmark::State& state) {
  const loadproof::sim::WithoutPoison scope;
  compare(
      state, [] { with_ours(write); }, [] { with_malloc(write); });
}

// A turn is a thousand blocks, so that the clock's own cost does not show. The pointers are const:
// DoNotOptimize of Debian's version spoils others where GCC instruments for a sanitizer.
void small_block(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  c10::Allocator* ours = c10::GetCPUAllocator();
  constexpr int kBlocks = 1000;
  compare(
      state,
      [&] {
        for (int i = 0; i < kBlocks; ++i) {
          void* const data = ours->raw_allocate(bytes);
          benchmark::DoNotOptimize(data);
          ours->raw_deallocate(data);
        }
      },
      [&] {
        for (int i = 0; i < kBlocks; ++i) {
          void* const data = std::malloc(bytes);
          benchmark::DoNotOptimize(data);
          std::free(data);
        }
      });
  state.SetItemsProcessed(state.iterations() * kBlocks);
}

BENCHMARK(gib_lazily)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gib_filled_at_once)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gib_lazily_then_written)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(gib_without_poison_then_written)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(small_block)->UseManualTime()->Arg(64)->Arg(4096)->Arg(65536)->Arg(1 << 20);

}  // namespace

int main(int argc, char** argv) {
  loadproof::sim::install_poison_allocator();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
