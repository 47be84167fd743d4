// What does it cost that ranks meet before bytes move?
//
//   BM_Copy/N            the baseline: one 4 KiB tensor copied to N - 1 others by memcpy
//   BM_Broadcast/N       N sim ranks say what they do, meet, are compared, and get those 4 KiB
//   BM_GlooTogether      27 broadcasts of 4 KiB between two Gloo ranks, posted together
//   BM_GlooOneByOne      the same, each waited for before the next is posted
//
// `of_memcpy` is the time of BM_Broadcast over that of the copies alone, taken in the same run.
#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "sim/backends/backend.h"
#include "sim/backends/rendezvous.h"

namespace {

using namespace loadproof;
using namespace loadproof::sim;

constexpr int64_t kElements = 1024;  // 4 KiB of float32
constexpr int kBroadcasts = 27;      // the parameters of a tiny two-layer model

std::vector<at::Tensor> tensors_of(int64_t ranks) {
  std::vector<at::Tensor> tensors;
  for (int64_t rank = 0; rank < ranks; ++rank)
    tensors.push_back(at::full({kElements}, static_cast<double>(rank)));
  return tensors;
}

void copy_to_all(const std::vector<at::Tensor>& tensors) {
  for (size_t rank = 1; rank < tensors.size(); ++rank)
    std::memcpy(tensors[rank].mutable_data_ptr(), tensors[0].const_data_ptr(),
                tensors[0].nbytes());
}

std::vector<Group> world_of(int64_t ranks) {
  Group world{"world", {}};
  for (int rank = 0; rank < ranks; ++rank) world.ranks.push_back(rank);
  return {world};
}

Call call_of(int rank, const at::Tensor& tensor) {
  Call call{.op = Collective::kBroadcast,
            .rank = rank,
            .step = 3,
            .step_id = "sync",
            .tensor = "model.layers.0.self_attn.q_proj.weight",
            .shape = {kElements},
            .bytes = static_cast<int64_t>(tensor.nbytes()),
            .source = 0};
  (rank == 0 ? call.in : call.out).push_back(tensor);
  return call;
}

bool meet_and_move(Rendezvous& rendezvous, const std::vector<at::Tensor>& tensors,
                   Backend& backend) {
  for (size_t rank = 0; rank < tensors.size(); ++rank)
    rendezvous.arrive(0, call_of(static_cast<int>(rank), tensors[rank]));
  const std::vector<Meeting> meetings = rendezvous.take_ready();
  return meetings.size() == 1 && meetings[0].moves &&
         backend.run({&meetings[0].transfer, 1}).has_value();
}

void BM_Copy(benchmark::State& state) {
  const std::vector<at::Tensor> tensors = tensors_of(state.range(0));
  for (auto _ : state) copy_to_all(tensors);
  state.SetBytesProcessed(state.iterations() * (state.range(0) - 1) * kElements * 4);
}
BENCHMARK(BM_Copy)->Arg(2)->Arg(64)->Arg(1024)->Arg(4096)->Unit(benchmark::kMicrosecond);

void BM_Broadcast(benchmark::State& state) {
  const std::vector<at::Tensor> tensors = tensors_of(state.range(0));
  const std::unique_ptr<Backend> backend =
      std::move(*make_backend("sim", static_cast<int>(state.range(0))));
  Rendezvous rendezvous(world_of(state.range(0)));
  using Clock = std::chrono::steady_clock;
  double meeting = 0;
  double copying = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    if (!meet_and_move(rendezvous, tensors, *backend)) state.SkipWithError("nothing moved");
    const auto middle = Clock::now();
    copy_to_all(tensors);
    copying += std::chrono::duration<double>(Clock::now() - middle).count();
    const double taken = std::chrono::duration<double>(middle - start).count();
    meeting += taken;
    state.SetIterationTime(taken);
  }
  state.counters["of_memcpy"] = meeting / copying;
  state.SetBytesProcessed(state.iterations() * (state.range(0) - 1) * kElements * 4);
}
BENCHMARK(BM_Broadcast)->Arg(2)->Arg(64)->Arg(1024)->Arg(4096)->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

std::vector<Transfer> broadcasts() {
  std::vector<Transfer> transfers(kBroadcasts);
  for (Transfer& transfer : transfers) {
    const std::vector<at::Tensor> tensors = tensors_of(2);
    transfer.op = Collective::kBroadcast;
    transfer.members = {{0, {tensors[0]}, {}}, {1, {}, {tensors[1]}}};
  }
  return transfers;
}

void run_gloo(benchmark::State& state, size_t at_once) {
  at::set_num_threads(1);
  Result<std::unique_ptr<Backend>> gloo = make_backend("gloo", 2);
  if (!gloo) return state.SkipWithError(gloo.error().message.c_str());
  const std::vector<Transfer> transfers = broadcasts();
  const std::span<const Transfer> all(transfers);
  for (auto _ : state)
    for (size_t begin = 0; begin < all.size(); begin += at_once)
      if (!(*gloo)->run(all.subspan(begin, at_once))) state.SkipWithError("nothing moved");
}

void BM_GlooTogether(benchmark::State& state) { run_gloo(state, kBroadcasts); }
BENCHMARK(BM_GlooTogether)->UseRealTime()->Unit(benchmark::kMicrosecond);

void BM_GlooOneByOne(benchmark::State& state) { run_gloo(state, 1); }
BENCHMARK(BM_GlooOneByOne)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
