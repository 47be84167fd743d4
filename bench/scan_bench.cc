// Do the scans run at the speed of memory?
//   1. Counting NaN alone, and counting NaN, inf, zero and one, by element type and buffer size.
//   2. Comparing two buffers, and a digest.
// `of_bandwidth` is bytes read per second over those of a plain sum of the same bytes, which is
// measured in turns with the scan: 1 is the speed of memory.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "bench/clock.h"
#include "bench/form.h"
#include "sim/memory/scan.h"

namespace {

using loadproof::DType;
using loadproof::bench::Clock, loadproof::bench::seconds_since;

constexpr int64_t kMiB = int64_t{1} << 20;

// Four independent sums of 16-byte vectors: loads are all that limits it.
uint64_t sum(const std::byte* data, size_t bytes) {
  typedef uint64_t Vector __attribute__((vector_size(16)));
  Vector a{}, b{}, c{}, d{};
  const auto load = [&](size_t at) {
    Vector words;
    std::memcpy(&words, data + at, sizeof words);
    return words;
  };
  for (size_t at = 0; at + 64 <= bytes; at += 64) {
    a += load(at);
    b += load(at + 16);
    c += load(at + 32);
    d += load(at + 48);
  }
  const Vector all = a + b + c + d;
  return all[0] + all[1];
}

// `scan` reads `passes` buffers of the given size.
template <typename Scan>
void against_bandwidth(benchmark::State& state, int64_t bytes, int64_t passes, Scan scan) {
  std::vector<std::byte> data(static_cast<size_t>(bytes), std::byte{0x3C});
  double scan_s = 0, sum_s = 0;
  for ([[maybe_unused]] auto _ : state) {
    auto begin = Clock::now();
    benchmark::DoNotOptimize(sum(data.data(), data.size()));
    sum_s += seconds_since(begin);
    begin = Clock::now();
    benchmark::DoNotOptimize(scan(data.data()));
    const double took = seconds_since(begin);
    scan_s += took;
    state.SetIterationTime(took);
  }
  state.SetBytesProcessed(state.iterations() * bytes * passes);
  state.counters["of_bandwidth"] = static_cast<double>(passes) * sum_s / scan_s;
}

void nan_alone(benchmark::State& state, DType dtype) {
  const int64_t bytes = state.range(0) * kMiB;
  against_bandwidth(state, bytes, 1, [&](const std::byte* data) {
    return loadproof::sim::count_nan(data, bytes / loadproof::item_size(dtype), dtype);
  });
}

void all_counts(benchmark::State& state, DType dtype) {
  const int64_t bytes = state.range(0) * kMiB;
  against_bandwidth(state, bytes, 1, [&](const std::byte* data) {
    return loadproof::sim::count_elements(data, bytes / loadproof::item_size(dtype), dtype).nan;
  });
}

void two_buffers_compared(benchmark::State& state) {
  const int64_t bytes = state.range(0) * kMiB;
  const std::vector<std::byte> other(static_cast<size_t>(bytes), std::byte{0x3C});
  against_bandwidth(state, bytes, 2, [&](const std::byte* data) {
    return loadproof::sim::first_difference(data, other.data(), bytes).has_value();
  });
}

void xxh3_digest(benchmark::State& state) {
  const int64_t bytes = state.range(0) * kMiB;
  against_bandwidth(state, bytes, 1, [&](const std::byte* data) {
    return loadproof::sim::digest(data, static_cast<size_t>(bytes));
  });
}

#define SIZES                                     \
  UseManualTime()                                 \
      ->Unit(benchmark::kMillisecond)             \
      ->Arg(loadproof::bench::by_form(8, 64, 64)) \
      ->Arg(loadproof::bench::by_form(16, 256, 256))
BENCHMARK_CAPTURE(nan_alone, bfloat16, DType::kBFloat16)->SIZES;
BENCHMARK_CAPTURE(nan_alone, float32, DType::kFloat32)->SIZES;
BENCHMARK_CAPTURE(nan_alone, float8_e4m3fn, DType::kFloat8E4m3fn)->SIZES;
BENCHMARK_CAPTURE(all_counts, bfloat16, DType::kBFloat16)->SIZES;
BENCHMARK_CAPTURE(all_counts, float32, DType::kFloat32)->SIZES;
BENCHMARK_CAPTURE(all_counts, float8_e4m3fn, DType::kFloat8E4m3fn)->SIZES;
BENCHMARK(two_buffers_compared)->SIZES;
BENCHMARK(xxh3_digest)->SIZES;
#undef SIZES

}  // namespace

BENCHMARK_MAIN();
