// NCCL with tensors that are on the ranks' devices. Skipped where there is none.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/sim/backends/tensors.h"
#include "tests/sim/cuda/device/device.h"

namespace loadproof::sim {
namespace {

class DeviceNccl : public OnADevice {
 protected:
  void SetUp() override {
    OnADevice::SetUp();
    if (is_fake()) GTEST_SKIP() << "a fake device has no NCCL";
  }
};

Transfer example_of(Collective op, int ranks, int source, bool is_even) {
  Transfer transfer = transfer_of(op, first_ranks(ranks), source);
  const auto size_of = [&](int rank) { return is_even ? 33 : 5 + 7 * rank; };
  for (Member& member : transfer.members)
    for (int i = 0; i < ranks; ++i) {
      const int of = op == Collective::kScatter ? i : member.rank;
      member.in.push_back(values_of(member.rank + i, size_of(of), at::kBFloat16));
      member.out.push_back(op == Collective::kAllReduce ? values_of(member.rank, 33, at::kFloat)
                                                        : full_of(50, -1, at::kBFloat16));
    }
  return transfer;
}

// The tensors of a transfer on the ranks' devices, or back.
Transfer moved_to(const Transfer& transfer, at::DeviceType type) {
  Transfer moved = transfer;
  for (Member& member : moved.members) {
    const auto index = static_cast<c10::DeviceIndex>(member.rank);
    const at::Device device = type == at::kCPU ? at::Device(type) : at::Device(type, index);
    for (auto* list : {&member.in, &member.out})
      for (at::Tensor& tensor : *list) tensor = tensor.to(device);
  }
  return moved;
}

TEST_F(DeviceNccl, MovesTheSameBytesAsTheSimBackend) {
  const int ranks = std::min(static_cast<int>((*part)->machine().devices.size()), 4);
  const auto made = (*part)->make_backend(ranks);
  ASSERT_TRUE(made) << made.error().message;
  const auto sim = backend_of("sim", ranks);
  for (const Collective op : {Collective::kBroadcast, Collective::kScatter, Collective::kGather,
                              Collective::kAllGather, Collective::kAllReduce, Collective::kSend})
    for (const bool is_even : {true, false}) {
      if (op == Collective::kSend && ranks < 2) continue;
      const int members = op == Collective::kSend ? 2 : ranks;
      const Transfer here = example_of(op, members, 0, is_even);
      const Transfer there = moved_to(example_of(op, members, 0, is_even), at::kCUDA);
      ASSERT_TRUE(sim->run({&here, 1}));
      const Result<void> moved = (*made)->run({&there, 1});
      ASSERT_TRUE(moved) << name(op) << ": " << moved.error().message;
      EXPECT_EQ(everything(moved_to(there, at::kCPU)), everything(here)) << name(op);
    }
}

TEST_F(DeviceNccl, RefusesATensorOfAnotherDevice) {
  if ((*part)->machine().devices.size() < 2) GTEST_SKIP() << "there is one device";
  const auto made = (*part)->make_backend(2);
  ASSERT_TRUE(made) << made.error().message;
  Transfer wrong = moved_to(example_of(Collective::kBroadcast, 2, 0, true), at::kCUDA);
  wrong.members[1].out[0] = wrong.members[1].out[0].to(at::Device(at::kCUDA, 0));
  EXPECT_EQ((*made)->run({&wrong, 1}).error().message,
            "rank 1 of a broadcast has a tensor on cuda:0, and its device is cuda:1");
}

}  // namespace
}  // namespace loadproof::sim
