// What is handed to NCCL, with the host in the device's place: its tensors are then where NCCL's
// are.
#include "sim/backends/nccl/staging.h"

#include <ATen/ops/empty.h>
#include <gmock/gmock.h>

#include <set>

#include "sim/backends/transfer.h"
#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {
namespace {

constexpr int kMembers = 3;

// Pieces of the sizes that are asked for, by giver and receiver; receivers have room for 20 more.
template <typename Size>
Transfer example_of(Collective op, int source, Size size) {
  Transfer transfer = transfer_of(op, first_ranks(op == Collective::kSend ? 2 : kMembers), source);
  const auto members = static_cast<int>(transfer.members.size());
  for (Member& member : transfer.members) {
    if (op == Collective::kAllReduce) {
      member.out.push_back(values_of(member.rank, 33, at::kFloat));
      continue;
    }
    for (int i = 0; i < members; ++i) {
      member.in.push_back(values_of(member.rank + i, size(member.rank, i), at::kBFloat16));
      member.out.push_back(full_of(size(0, 0) + 20, -1, at::kBFloat16));
    }
  }
  return transfer;
}

// What NCCL does with what it is given: all pieces have one size.
void exchange(const Transfer& transfer, std::vector<Staged>& staged) {
  const auto source = static_cast<size_t>(transfer.source);
  for (size_t to = 0; to < staged.size(); ++to)
    for (size_t i = 0; i < staged[to].out.size(); ++i) {
      const bool is_whole = transfer.op == Collective::kScatter;
      const bool is_of_all =
          transfer.op == Collective::kGather || transfer.op == Collective::kAllGather;
      const Staged& from = staged[is_of_all ? i : source];
      const at::Tensor& piece = from.in[is_whole ? to : 0];
      ASSERT_EQ(piece.nbytes(), staged[to].out[i].nbytes());
      staged[to].out[i].copy_(piece);
    }
}

// Which bytes each member must have afterwards.
std::vector<std::vector<uint8_t>> expected_of(const Transfer& transfer) {
  for_each_piece(transfer, [](const at::Tensor& from, const at::Tensor& to) {
    std::memcpy(to.mutable_data_ptr(), from.const_data_ptr(), from.nbytes());
  });
  return everything(transfer);
}

constexpr Collective kMoves[] = {Collective::kBroadcast, Collective::kScatter, Collective::kGather,
                                 Collective::kAllGather, Collective::kSend};

template <typename Size>
void expect_the_bytes(Size size) {
  for (const Collective op : kMoves)
    for (int source = 0; source < (op == Collective::kSend ? 1 : kMembers); ++source) {
      const Transfer moved = example_of(op, source, size);
      std::vector<Staged> staged;
      for (size_t i = 0; i < moved.members.size(); ++i)
        staged.push_back(stage(moved, i, at::Device(at::kCPU)));
      exchange(moved, staged);
      for (size_t i = 0; i < moved.members.size(); ++i) unstage(moved, i, staged[i]);
      EXPECT_EQ(everything(moved), expected_of(example_of(op, source, size)))
          << name(op) << " from " << source;
    }
}

TEST(Staging, MovesPiecesOfOneSize) {
  expect_the_bytes([](int, int) { return 7; });
}

TEST(Staging, MovesPiecesThatMustBePadded) {
  expect_the_bytes([](int giver, int i) { return 9 - giver - 2 * i; });
}

std::set<const void*> places(const std::vector<at::Tensor>& tensors) {
  std::set<const void*> all;
  for (const at::Tensor& tensor : tensors) all.insert(tensor.const_data_ptr());
  return all;
}

TEST(Staging, CopiesNothingThatIsThereAndNeedsNoPadding) {
  for (const Collective op : kMoves) {
    const Transfer transfer = example_of(op, 0, [](int, int) { return 7; });
    for (size_t i = 0; i < transfer.members.size(); ++i) {
      const Staged staged = stage(transfer, i, at::Device(at::kCPU));
      EXPECT_THAT(places(transfer.members[i].in), ::testing::IsSupersetOf(places(staged.in)));
      EXPECT_THAT(places(transfer.members[i].out), ::testing::IsSupersetOf(places(staged.out)));
    }
  }
}

TEST(Staging, ReducesInPlaceWithTheTensorsType) {
  const Transfer transfer = example_of(Collective::kAllReduce, 0, [](int, int) { return 7; });
  const Staged staged = stage(transfer, 1, at::Device(at::kCPU));
  ASSERT_EQ(staged.out.size(), 1u);
  EXPECT_EQ(staged.out[0].const_data_ptr(), transfer.members[1].out[0].const_data_ptr());
  EXPECT_EQ(staged.out[0].scalar_type(), at::kFloat);
  unstage(transfer, 1, staged);
  EXPECT_EQ(bytes_of(transfer.members[1].out[0]), bytes_of(values_of(1, 33, at::kFloat)));
}

TEST(Staging, TakesTensorsOfTheHost) {
  const auto device_of = [](int rank) { return rank; };
  EXPECT_TRUE(check_devices(example_of(Collective::kGather, 0, [](int, int) { return 7; }),
                            device_of));
}

}  // namespace
}  // namespace loadproof::sim
