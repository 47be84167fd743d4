// What does a placeholder for a parameter cost, and what if nobody ever writes it?
//
//   placeholder/HOW/DTYPE/PAGES/huge:…/KIB:N/ranks:N
//
// HOW is one of empty_like, zeros_like, zeros; zeros_of_calloc and zeros_of_mmap, which the kernel
// zeroes as they are touched; expanded_zero and expanded_nan, one element with strides of 0; meta,
// and meta_then_empty; full_like of a number, and of NaN. Memory is that of torch's own allocator.
// Each rank is a process, as it is in a real load, and holds 16 MiB or one tensor at once.
//
// PAGES: `cold` memory is new from the kernel; `reused` was written with NaN, freed and is taken
// again as far as glibc keeps it, which is up to 32 MiB; zeros_of_mmap is new always. huge: 0
// forbids huge pages, 1 asks for them, as THP_MEM_ALLOC_ENABLE=1 makes torch's allocator do.
//
// `time` is to make them. Per round, of the slowest rank; empty_like is measured in turn with it:
//   hold, later, sum     time to make them, to write them for the first time, and both; again, of a
//                        second write: over what empty_like costs with its first write, cold
//   sum_us               both, in microseconds
//   asked                bytes of the parameters themselves, of all ranks
//   reserved, committed, resident    bytes of all ranks, once they are made and before they are
//                        written: asked for; with a page, by the page tables; by RssAnon
//   committed_written    by the page tables, after the first write
//   faults, faults_later minor faults of all ranks: making them, and writing them
//   nan_reaches_sampling 1: left unwritten over memory that holds NaN, at::multinomial raises
//   nan_on_fresh_pages   the same over fresh pages of torch's own allocator
// The label says what becomes of it unwritten, under NaN and on fresh pages, and of a copy into it.
//
// LOADPROOF_BENCH_FORM=long adds 1 and 4 GiB, and the product of all axes to 256 MiB.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "bench/form.h"
#include "bench/kernel_memory.h"
#include "bench/placeholder.h"
#include "bench/placeholder_fate.h"
#include "bench/rank_processes.h"

namespace loadproof::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
constexpr int64_t kBytesAtOnce = 16 * kMiB;  // of small tensors, so that pages can be told apart
constexpr char kRound = 'r';                 // what ranks are told to do
constexpr const char* kDied = "a rank has ended: no memory?";
constexpr int kReusedUpTo = 32 * 1024 * 1024;  // glibc's largest threshold of its own for mmap

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnMemoryOnly = false;  // a sanitizer keeps pages beside ours
#else
constexpr bool kOwnMemoryOnly = true;
#endif

enum class Pages { kCold, kReused };

struct Setting {
  const Placeholder* how;
  at::ScalarType dtype = at::kBFloat16;
  int64_t bytes = 64 * kMiB;  // of a tensor
  int ranks = 1;
  Pages pages = Pages::kCold;
  bool huge = false;
};

// Of one rank. Seconds; bytes and faults of the placeholders alone.
struct Round {
  double hold, first_write, second_write;
  int64_t reserved;
  KernelMemory held, written;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int64_t tensors_at_once(const Setting& setting) {
  return std::max<int64_t>(1, kBytesAtOnce / setting.bytes);
}

at::Tensor meta_tensor(const Setting& setting) {
  const auto options = at::TensorOptions().dtype(setting.dtype).device(at::kMeta);
  const int64_t elements = setting.bytes / static_cast<int64_t>(c10::elementSize(setting.dtype));
  return at::empty({elements / 64, 64}, options);
}

// Those that have no elements of their own are given memory first.
double write_all(std::vector<at::Tensor>& tensors, int byte) {
  const auto begin = Clock::now();
  for (at::Tensor& tensor : tensors) {
    if (tensor.is_meta() || !tensor.is_contiguous()) tensor = materialise(tensor);
    std::memset(tensor.mutable_data_ptr(), byte, tensor.nbytes());
  }
  return seconds_since(begin);
}

// Cold: no page that is free is the process's any more. Reused: there is free memory that has been
// written, with NaN. Its blocks are 16 KiB larger than what is taken again: glibc looks for more
// than it gives where memory is aligned, and finds no room in a free block of the very same size.
void set_pages(const Setting& setting) {
  if (setting.pages == Pages::kCold) {
    ::malloc_trim(0);
    return;
  }
  Setting larger = setting;
  larger.bytes += 16 * kKiB;
  const at::Tensor like = meta_tensor(larger);
  std::vector<at::Tensor> tensors;
  for (int64_t i = 0; i < tensors_at_once(setting); ++i)
    tensors.push_back(placeholders()[0].make(like));
  write_all(tensors, 0xFF);
}

Round measure(const Setting& setting) {
  const at::Tensor like = meta_tensor(setting);
  const auto count = static_cast<size_t>(tensors_at_once(setting));
  set_pages(setting);
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  Round round{};
  const KernelMemory before = read_kernel_memory();
  const auto begin = Clock::now();
  for (size_t i = 0; i < count; ++i) tensors.push_back(setting.how->make(like));
  round.hold = seconds_since(begin);
  round.held = read_kernel_memory() - before;
  for (const at::Tensor& tensor : tensors)
    if (!tensor.is_meta()) round.reserved += static_cast<int64_t>(tensor.storage().nbytes());
  const KernelMemory ready = read_kernel_memory();
  round.first_write = write_all(tensors, 0x3C);
  const KernelMemory after = read_kernel_memory();
  round.written = after - before;
  round.written.minor_faults = (after - ready).minor_faults;
  round.second_write = write_all(tensors, 0x3D);
  return round;
}

// empty_like in cold memory, at the same size, ranks and huge pages.
Setting baseline_of(Setting setting) {
  setting.how = &placeholders()[0];
  setting.pages = Pages::kCold;
  return setting;
}

// glibc moves these two by itself as blocks are freed; here they stand, at where they begin or at
// where they end.
void set_glibc(Pages pages) {
  ::mallopt(M_MMAP_THRESHOLD, pages == Pages::kCold ? 128 * 1024 : kReusedUpTo);
  ::mallopt(M_TRIM_THRESHOLD, pages == Pages::kCold ? 128 * 1024 : 2 * kReusedUpTo);
}

using Ranks = RankProcesses<Round>;

void prepare_rank(const Setting& setting) {
  at::set_num_threads(1);
  setting.huge ? take_huge_pages() : refuse_huge_pages();
  set_glibc(setting.pages);
  read_kernel_memory();  // whose first call allocates
}

// ---- of all ranks and rounds ----

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double slowest(const std::vector<Round>& ranks, double Round::*time) {
  double most = 0;
  for (const Round& rank : ranks) most = std::max(most, rank.*time);
  return most;
}

std::string disagreement(const std::vector<Round>& ranks) {
  for (const Round& rank : ranks)
    for (const KernelMemory& growth : {rank.held, rank.written})
      if (kOwnMemoryOnly && !agree(growth))
        return "the page tables say that " + std::to_string(growth.by_pagemap) +
               " bytes were committed, and RssAnon says " + std::to_string(growth.by_counter);
  return "";
}

void tell_memory(benchmark::State& state, const std::vector<Round>& ranks) {
  int64_t reserved = 0;
  KernelMemory held;
  KernelMemory written;
  for (const Round& rank : ranks) {
    reserved += rank.reserved;
    held = held - (KernelMemory{} - rank.held);
    written = written - (KernelMemory{} - rank.written);
  }
  state.counters["reserved"] = static_cast<double>(reserved);
  state.counters["committed"] = static_cast<double>(held.by_pagemap);
  state.counters["resident"] = static_cast<double>(held.by_counter);
  state.counters["committed_written"] = static_cast<double>(written.by_pagemap);
  state.counters["faults"] = static_cast<double>(held.minor_faults);
  state.counters["faults_later"] = static_cast<double>(written.minor_faults);
}

// False: it could not be tried.
bool tell_fates(benchmark::State& state, const Setting& setting) {
  const auto nan = outcome_of(*setting.how, setting.dtype, Underneath::kNan);
  const auto fresh = outcome_of(*setting.how, setting.dtype, Underneath::kFreshPages);
  if (!nan || !fresh) return false;
  state.counters["nan_reaches_sampling"] = nan->fate == Fate::kNanReachesSampling;
  state.counters["nan_on_fresh_pages"] = fresh->fate == Fate::kNanReachesSampling;
  state.SetLabel(told(*nan, *fresh));
  return true;
}

void placeholder_cost(benchmark::State& state, const Setting& setting) {
  const Setting baseline = baseline_of(setting);
  Ranks others(
      setting.ranks, [&] { prepare_rank(baseline); }, [&](char) { return measure(baseline); });
  Ranks ranks(
      setting.ranks, [&] { prepare_rank(setting); }, [&](char) { return measure(setting); });
  std::vector<double> hold, later, sum, again, sum_us;
  std::vector<Round> last;
  if (form() != Form::kInstant && (!others.run(kRound) || !ranks.run(kRound)))
    return state.SkipWithError(kDied);  // the first round fills caches and heaps
  for ([[maybe_unused]] auto iteration : state) {
    const auto empty = others.run(kRound);
    const auto subject = ranks.run(kRound);
    if (!empty || !subject) return state.SkipWithError(kDied);
    last = *subject;
    if (const std::string error = disagreement(last); !error.empty())
      return state.SkipWithError(error.c_str());
    const double whole = slowest(*empty, &Round::hold) + slowest(*empty, &Round::first_write);
    hold.push_back(slowest(last, &Round::hold) / whole);
    later.push_back(slowest(last, &Round::first_write) / whole);
    sum.push_back(hold.back() + later.back());
    again.push_back(slowest(last, &Round::second_write) / whole);
    sum_us.push_back(sum.back() * whole * 1e6);
    state.SetIterationTime(slowest(last, &Round::hold));
  }
  state.counters["hold"] = median(hold);
  state.counters["later"] = median(later);
  state.counters["sum"] = median(sum);
  state.counters["again"] = median(again);
  state.counters["sum_us"] = median(sum_us);
  state.counters["asked"] =
      static_cast<double>(setting.bytes * tensors_at_once(setting) * setting.ranks);
  tell_memory(state, last);
  if (!tell_fates(state, setting)) state.SkipWithError("what becomes of it could not be tried");
}

// ---- which ----

std::string name_of(const Setting& setting) {
  const char* const dtype = setting.dtype == at::kBFloat16 ? "bf16"
                            : setting.dtype == at::kHalf   ? "fp16"
                                                           : "fp32";
  return "placeholder/" + std::string(setting.how->name) + "/" + dtype + "/" +
         (setting.pages == Pages::kCold ? "cold" : "reused") +
         "/huge:" + (setting.huge ? "1" : "0") + "/KiB:" + std::to_string(setting.bytes / kKiB) +
         "/ranks:" + std::to_string(setting.ranks);
}

bool fits(const Setting& setting) {
  static const int64_t kMemory = ::sysconf(_SC_AVPHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  return setting.bytes * setting.ranks < kMemory / 2;
}

void add(std::vector<Setting>& all, Setting setting) {
  const bool known = std::ranges::any_of(
      all, [&](const Setting& other) { return name_of(other) == name_of(setting); });
  if (!known && fits(setting)) all.push_back(setting);
}

// One axis at a time, about 64 MiB of bf16 on one rank, cold and without huge pages.
void add_axes(std::vector<Setting>& all, Setting base) {
  add(all, base);
  for (const int64_t bytes : {4 * kKiB, 64 * kKiB, kMiB, 256 * kMiB}) {
    base.bytes = bytes;
    add(all, base);
  }
  for (const int64_t bytes : {kGiB, 4 * kGiB}) {
    base.bytes = bytes;
    if (form() == Form::kLong) add(all, base);
  }
  base = Setting{base.how};
  for (const auto dtype : {at::kHalf, at::kFloat}) {
    base.dtype = dtype;
    add(all, base);
  }
  base = Setting{base.how};
  for (const int ranks : {2, 4, 8}) {
    base.ranks = ranks;
    if (ranks != 4 || form() == Form::kLong) add(all, base);
  }
  base = Setting{base.how};
  base.huge = true;
  add(all, base);
  base = Setting{base.how};
  base.pages = Pages::kReused;
  for (const int64_t bytes : {4 * kKiB, 16 * kMiB, 64 * kMiB}) {
    base.bytes = bytes;
    add(all, base);
  }
}

void add_product(std::vector<Setting>& all, const Placeholder& how) {
  for (const auto dtype : {at::kBFloat16, at::kHalf, at::kFloat})
    for (const int64_t bytes : {4 * kKiB, kMiB, 16 * kMiB, 256 * kMiB})
      for (const int ranks : {1, 2, 4, 8})
        for (const Pages pages : {Pages::kCold, Pages::kReused})
          for (const bool huge : {false, true})
            if (pages == Pages::kCold || bytes <= 64 * kMiB)
              add(all, {&how, dtype, bytes, ranks, pages, huge});
}

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const Placeholder& how : placeholders()) {
    if (form() == Form::kInstant) {
      add(all, {.how = &how, .bytes = kMiB, .ranks = 2});
      continue;
    }
    add_axes(all, {&how});
    if (form() == Form::kLong) add_product(all, how);
  }
  return all;
}

}  // namespace
}  // namespace loadproof::bench

int main(int argc, char** argv) {
  using namespace loadproof::bench;
  const std::vector<Setting> all = settings();
  for (const Setting& setting : all)
    benchmark::RegisterBenchmark(name_of(setting).c_str(), placeholder_cost, setting)
        ->Iterations(by_form(1, 5, 6))
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  benchmark::AddCustomContext("transparent_huge_pages", huge_page_mode());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
