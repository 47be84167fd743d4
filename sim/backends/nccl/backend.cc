#include "sim/backends/nccl/backend.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/format.h>

#include <thread>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "sim/backends/caught.h"
#include "sim/backends/nccl/devices.h"
#include "sim/backends/nccl/staging.h"
#include "sim/backends/nccl/world.h"
#include "sim/backends/transfer.h"

namespace loadproof::sim {
namespace {

// No member is ever missing when run() is called, so that this only bounds a broken transport.
constexpr std::chrono::milliseconds kTimeout = std::chrono::minutes(2);

c10d::ReduceOp reduce_op(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum: return c10d::ReduceOp::SUM;
    case Reduction::kMax: return c10d::ReduceOp::MAX;
    case Reduction::kMin: return c10d::ReduceOp::MIN;
  }
  SIM_CHECK(false, "no such reduction: {}", static_cast<int>(reduction));
}

template <typename Options>
Options rooted(const Transfer& transfer) {
  Options options;
  options.rootRank = transfer.source;
  return options;
}

// Lists of what a member gives or receives, empty where it has no part in it.
std::vector<std::vector<at::Tensor>> list_of(const std::vector<at::Tensor>& tensors) {
  if (tensors.empty()) return {};
  return {tensors};
}

// What a member asks of its process group.
c10::intrusive_ptr<c10d::Work> start(const Transfer& transfer, size_t member, Staged& staged,
                                     c10d::ProcessGroupNCCL& nccl) {
  switch (transfer.op) {
    case Collective::kBroadcast:
      return nccl.broadcast(staged.in.empty() ? staged.out : staged.in,
                            rooted<c10d::BroadcastOptions>(transfer));
    case Collective::kSend:
      return member == 0 ? nccl.send(staged.in, 1, 0) : nccl.recv(staged.out, 0, 0);
    case Collective::kScatter: {
      auto in = list_of(staged.in);
      return nccl.scatter(staged.out, in, rooted<c10d::ScatterOptions>(transfer));
    }
    case Collective::kGather: {
      auto out = list_of(staged.out);
      return nccl.gather(out, staged.in, rooted<c10d::GatherOptions>(transfer));
    }
    case Collective::kAllGather: {
      auto out = list_of(staged.out);
      return nccl.allgather(out, staged.in);
    }
    case Collective::kAllReduce: {
      c10d::AllreduceOptions options;
      options.reduceOp = reduce_op(transfer.reduction);
      return nccl.allreduce(staged.out, options);
    }
    case Collective::kBarrier: {
      c10d::BarrierOptions options;
      options.device = staged.device;
      return nccl.barrier(options);
    }
  }
  SIM_CHECK(false, "no such collective: {}", static_cast<int>(transfer.op));
}

// Throws what torch throws, and where other ranks need not be waited for.
void wait_for(c10d::Work& work, const std::function<bool()>& given_up) {
  constexpr std::chrono::milliseconds kSlice{1};
  while (given_up && !work.isCompleted()) {
    TORCH_CHECK(!given_up(), "other ranks were waited for no more");
    std::this_thread::sleep_for(kSlice);
  }
  work.wait();
}

class NcclBackend final : public Backend {
 public:
  explicit NcclBackend(std::unique_ptr<NcclWorld> world) : world_(std::move(world)) {}

  std::string_view name() const override { return "nccl"; }

  Result<void> run(std::span<const Transfer> transfers) override {
    if (!world_) return fail(fmt::format("the NCCL world is dead since: {}", cause_));
    const auto device_of = [this](int rank) { return world_->device_of(rank); };
    for (const Transfer& transfer : transfers) {
      check(transfer, world_->own_rank(), TensorMemory::kHostAndDevices);
      check_ranks(transfer, world_->ranks());
      if (Result<void> can = check_reducible(transfer); !can) return can;
      if (Result<void> can = check_devices(transfer, device_of); !can) return can;
    }
    Result<void> moved;
    for (const Transfer& transfer : transfers)
      if (moved && !moves_nothing(transfer)) moved = move(transfer);
    if (moved) return moved;
    cause_ = moved.error().message;
    world_->abort();
    world_.reset();
    return fail(fmt::format("NCCL could not move the bytes: {}", cause_));
  }

 private:
  Result<void> move(const Transfer& transfer) {
    std::vector<int> ranks;
    for (const Member& member : transfer.members) ranks.push_back(member.rank);
    Result<NcclGroup*> group = world_->group(ranks);
    if (!group) return tl::make_unexpected(group.error());
    const std::vector<size_t>& here = (*group)->here();
    std::vector<Staged> staged(ranks.size());
    const auto on_each = [&](auto work) {
      return in_parallel(here.size(), [&](size_t i) {
        const size_t member = here[i];
        const auto device = static_cast<c10::DeviceIndex>(world_->device_of(ranks[member]));
        const c10::cuda::CUDAGuard guard(device);
        work(member, at::Device(at::kCUDA, device));
        c10::cuda::getCurrentCUDAStream().synchronize();
      });
    };
    Result<void> done = on_each([&](size_t member, at::Device device) {
      staged[member] = stage(transfer, member, device);
    });
    if (done)
      done = on_each([&](size_t member, at::Device) {
        wait_for(*start(transfer, member, staged[member], (*group)->at(member)),
                 world_->given_up());
      });
    if (done)
      done = on_each([&](size_t member, at::Device) { unstage(transfer, member, staged[member]); });
    return done;
  }

  std::unique_ptr<NcclWorld> world_;  // nothing once a run has failed
  std::string cause_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_backend_of_devices(int ranks) {
  const CudaMachine machine = look_at_devices();
  if (machine.devices.empty())
    return fail(fmt::format("the nccl backend needs a GPU for each rank, and there is no device: "
                            "{}",
                            machine.why_none));
  if (machine.devices.size() < static_cast<size_t>(ranks))
    return fail(fmt::format("the nccl backend needs a GPU for each rank: {} for {} ranks",
                            machine.devices.size(), ranks));
  Result<std::unique_ptr<NcclWorld>> world = make_nccl_world(ranks, kTimeout);
  if (!world) return tl::make_unexpected(world.error());
  return std::make_unique<NcclBackend>(std::move(*world));
}

Result<std::unique_ptr<Backend>> make_backend_of_job(const NcclJob& job) {
  const CudaMachine machine = look_at_devices();
  if (machine.devices.size() <= static_cast<size_t>(job.device))
    return fail(fmt::format("rank {} of the nccl backend needs GPU {} of its host, which has {}{}",
                            job.rank, job.device, machine.devices.size(),
                            machine.why_none.empty() ? "" : ": " + machine.why_none));
  return std::make_unique<NcclBackend>(make_nccl_job_world(job));
}

}  // namespace loadproof::sim
