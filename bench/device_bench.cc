// What do the fills and the scans of device memory cost? Where there is no device, no_device says
// why.
//   1. Counting, comparing and digests: `of_copy` is bytes read per second over those that a copy
//      from device to device reads and writes, measured in turns with the scan: 1 is the speed of
//      memory.
//   2. The same NaN counted by torch: isnan().sum().
//   3. A block allocated and given back, by fill, beside torch's empty and zeros. The fill is
//      written when it is allocated, and the word of freed memory when it is given back.

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <benchmark/benchmark.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/clock.h"
#include "bench/form.h"
#include "sim/backends/nccl_part.h"
#include "sim/scalar_type.h"

namespace {

using namespace loadproof;
using bench::Clock, bench::seconds_since;

constexpr int64_t kMiB = int64_t{1} << 20;
const at::Device kDevice(at::kCUDA, 0);

class NoLedger final : public sim::DeviceLedger {
 public:
  std::string charge(const void*, size_t) override { return ""; }
  void release(const void*) override {}
};

sim::NcclPart* part = nullptr;

// Poisons the device's memory when it is first asked for.
sim::Accelerator& cuda() {
  static sim::Accelerator& one = *[] {
    static NoLedger& ledger = *new NoLedger;
    Result<sim::Accelerator*> made = part->accelerator(ledger);
    if (made) return *made;
    std::fprintf(stderr, "%s\n", made.error().message.c_str());
    std::exit(1);
  }();
  return one;
}

void wait_for_device() { c10::impl::VirtualGuardImpl(at::kCUDA).synchronizeDevice(0); }

at::Tensor empty(int64_t bytes) {
  return at::empty({bytes}, at::TensorOptions(at::kByte).device(kDevice));
}

// Small positive numbers, of which none is counted.
at::Tensor weights(int64_t bytes) {
  cuda().set_fill(sim::Fill::kStale);
  return empty(bytes);
}

// `scan` reads `passes` buffers of the given size.
template <typename Scan>
void against_copies(benchmark::State& state, const at::Tensor& values, int64_t passes, Scan scan) {
  const at::Tensor copy = at::empty_like(values);
  double scan_s = 0, copy_s = 0;
  scan();
  wait_for_device();
  for ([[maybe_unused]] auto _ : state) {
    auto begin = Clock::now();
    copy.copy_(values);
    wait_for_device();
    copy_s += seconds_since(begin);
    begin = Clock::now();
    benchmark::DoNotOptimize(scan());
    const double took = seconds_since(begin);
    scan_s += took;
    state.SetIterationTime(took);
  }
  const auto bytes = static_cast<int64_t>(values.nbytes());
  state.SetBytesProcessed(state.iterations() * bytes * passes);
  state.counters["of_copy"] = static_cast<double>(passes) / 2 * copy_s / scan_s;
}

void counted(benchmark::State& state, DType dtype) {
  const at::Tensor values = weights(state.range(0) * kMiB).view(sim::scalar_type(dtype));
  against_copies(state, values, 1, [&] { return cuda().count(values).nan; });
}

// Before there are fills, which would be written into its temporaries, too.
void counted_by_torch(benchmark::State& state, DType dtype) {
  const at::Tensor values = at::full({state.range(0) * kMiB / item_size(dtype)}, 0.02,
                                     at::TensorOptions(sim::scalar_type(dtype)).device(kDevice));
  against_copies(state, values, 1, [&] { return values.isnan().sum().item<int64_t>(); });
}

void compared(benchmark::State& state) {
  const at::Tensor one = weights(state.range(0) * kMiB), other = one.clone();
  against_copies(state, one, 2, [&] { return cuda().first_difference(one, other).has_value(); });
}

void digested(benchmark::State& state) {
  const at::Tensor values = weights(state.range(0) * kMiB);
  against_copies(state, values, 1, [&] { return cuda().block_digests(values).back(); });
}

template <typename Make>
void made_and_freed(benchmark::State& state, Make make) {
  const int64_t bytes = state.range(0);
  make(bytes);  // into torch's cache
  wait_for_device();
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(make(bytes).data_ptr());
    wait_for_device();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}

// What is torch's alone is registered first: nothing takes the fills away again.
void empty_of_torch(benchmark::State& state) { made_and_freed(state, empty); }
void zeros_of_torch(benchmark::State& state) {
  made_and_freed(state, [](int64_t bytes) {
    return at::zeros({bytes}, at::TensorOptions(at::kByte).device(kDevice));
  });
}
void empty_with(benchmark::State& state, sim::Fill fill) {
  cuda().set_fill(fill);
  made_and_freed(state, empty);
}

#define BLOCKS                                \
  Unit(benchmark::kMicrosecond)               \
      ->Arg(4096)                             \
      ->Arg(bench::by_form(1, 64, 64) * kMiB) \
      ->Arg(bench::by_form<int64_t>(8, 1024, 4096) * kMiB)
#define SIZES                                   \
  UseManualTime()                               \
      ->Unit(benchmark::kMicrosecond)           \
      ->Arg(bench::by_form<int64_t>(1, 64, 64)) \
      ->Arg(bench::by_form<int64_t>(8, 1024, 8192))
BENCHMARK(empty_of_torch)->BLOCKS;
BENCHMARK(zeros_of_torch)->BLOCKS;
BENCHMARK_CAPTURE(counted_by_torch, bfloat16, DType::kBFloat16)->SIZES;
BENCHMARK_CAPTURE(counted_by_torch, float32, DType::kFloat32)->SIZES;
BENCHMARK_CAPTURE(empty_with, zeros, sim::Fill::kZeros)->BLOCKS;
BENCHMARK_CAPTURE(empty_with, nan, sim::Fill::kNan)->BLOCKS;
BENCHMARK_CAPTURE(empty_with, stale, sim::Fill::kStale)->BLOCKS;
BENCHMARK_CAPTURE(counted, bfloat16, DType::kBFloat16)->SIZES;
BENCHMARK_CAPTURE(counted, float32, DType::kFloat32)->SIZES;
BENCHMARK_CAPTURE(counted, float64, DType::kFloat64)->SIZES;
BENCHMARK_CAPTURE(counted, float8_e4m3fn, DType::kFloat8E4m3fn)->SIZES;
BENCHMARK_CAPTURE(counted, int8, DType::kInt8)->SIZES;
BENCHMARK(compared)->SIZES;
BENCHMARK(digested)->SIZES;
#undef SIZES
#undef BLOCKS

// The part, if it loads and sees a device; else why there is none.
Result<sim::NcclPart*> part_with_device() {
  const char* elsewhere = std::getenv("LOADPROOF_NCCL_PART");
  Result<sim::NcclPart*> opened = sim::open_nccl_part(elsewhere ? elsewhere : LOADPROOF_NCCL_PART);
  if (!opened) return opened;
  const std::string why = (*opened)->machine().why_none;
  if (!why.empty()) return fail("there is no device: " + why);
  return opened;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (const Result<sim::NcclPart*> found = part_with_device(); found) {
    part = *found;
  } else {
    // One that says so, for who reads what the benchmarks say.
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark("no_device", [why = found.error().message](auto& state) {
      for ([[maybe_unused]] auto _ : state) {
      }
      state.SetLabel(why);
    });
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
