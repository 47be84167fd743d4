// Bytes of a device through backends that know the host's alone.
#include "sim/backends/staged.h"

#include <c10/core/InferenceMode.h>

#include "sim/accelerators.h"
#include "tests/sim/backends/examples.h"

namespace loadproof::sim {
namespace {

class Staged : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr int kRanks = 4;

  Transfer away(Transfer transfer) const {
    for (Member& member : transfer.members)
      for (std::vector<at::Tensor>* list : {&member.in, &member.out})
        for (at::Tensor& tensor : *list) tensor = tensor.to(place_);
    return transfer;
  }
  static Transfer here(Transfer transfer) {
    for (Member& member : transfer.members)
      for (std::vector<at::Tensor>* list : {&member.in, &member.out})
        for (at::Tensor& tensor : *list) tensor = on_host(tensor);
    return transfer;
  }

  const c10::InferenceMode inference_;
  at::Device place_ = (*open_accelerator("fenced"))->device_of(0);
  std::unique_ptr<Backend> backend_ = backend_of(GetParam(), kRanks);
  std::unique_ptr<Backend> staged_ = staged_through_host(*backend_);
};

INSTANTIATE_TEST_SUITE_P(Backends, Staged, ::testing::Values("gloo", "sim"),
                         [](const auto& which) { return which.param; });

TEST_P(Staged, MovesTheSameBytesAsOnTheHost) {
  const auto plain = backend_of("sim", kRanks);
  for (Collective op : kAllCollectives)
    for (int source = 0; source < (op == Collective::kSend ? 1 : kRanks); ++source) {
      const int ranks = op == Collective::kSend ? 2 : kRanks;
      const Transfer expected = example_of(op, ranks, source);
      const Transfer moved = away(example_of(op, ranks, source));
      ASSERT_TRUE(plain->run({&expected, 1}));
      const Result<void> done = staged_->run({&moved, 1});
      ASSERT_TRUE(done) << done.error().message;
      EXPECT_EQ(everything(here(moved)), everything(expected)) << name(op) << " from " << source;
    }
}

TEST_P(Staged, KeepsTheOrderOfTransfers) {
  const at::Tensor first = values_of(0, 10, at::kFloat).to(place_);
  const at::Tensor second = full_of(10, 0, at::kFloat).to(place_);
  const at::Tensor third = full_of(10, 0, at::kFloat).to(place_);
  Transfer one = transfer_of(Collective::kBroadcast, {0, 1});
  one.members[0].in.push_back(first);
  one.members[1].out.push_back(second);
  Transfer two = transfer_of(Collective::kBroadcast, {1, 2});
  two.members[0].in.push_back(second);
  two.members[1].out.push_back(third);
  const std::vector<Transfer> both = {one, two};
  ASSERT_TRUE(staged_->run(both));
  EXPECT_EQ(bytes_of(on_host(third)), bytes_of(on_host(first)));
}

TEST_P(Staged, LeavesTransfersOfTheHostAsTheyAre) {
  const Transfer transfer = example_of(Collective::kBroadcast, kRanks, 1);
  const Transfer expected = example_of(Collective::kBroadcast, kRanks, 1);
  ASSERT_TRUE(staged_->run({&transfer, 1}));
  ASSERT_TRUE(backend_->run({&expected, 1}));
  EXPECT_EQ(everything(transfer), everything(expected));
}

TEST_P(Staged, TellsTheErrorOfTheBackend) {
  Transfer transfer = transfer_of(Collective::kAllReduce, {0, 1});
  for (Member& member : transfer.members)
    member.out.push_back(full_of(4, 1, at::kFloat8_e5m2).to(place_));
  EXPECT_FALSE(staged_->run({&transfer, 1}));
}

}  // namespace
}  // namespace loadproof::sim
