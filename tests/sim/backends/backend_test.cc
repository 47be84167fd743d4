#include "sim/backends/backend.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "sim/backends/gloo.h"
#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {

namespace {

using ::testing::HasSubstr;

constexpr at::ScalarType kTypes[] = {at::kBFloat16, at::kHalf, at::kFloat, at::kLong};

class EveryBackend : public ::testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    ranks_ = std::get<1>(GetParam());
    backend_ = backend_of(std::get<0>(GetParam()), ranks_);
  }
  void run(const Transfer& transfer) {
    const Result<void> done = backend_->run({&transfer, 1});
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string type_of(at::ScalarType type) const { return c10::toString(type); }

  int ranks_ = 0;
  std::unique_ptr<Backend> backend_;
};

std::string case_name(const ::testing::TestParamInfo<std::tuple<std::string, int>>& which) {
  return fmt::format("{}Of{}", std::get<0>(which.param), std::get<1>(which.param));
}

INSTANTIATE_TEST_SUITE_P(Worlds, EveryBackend,
                         ::testing::Combine(::testing::Values("gloo", "sim"),
                                            ::testing::Values(1, 2, 4, 7)),
                         case_name);

class EveryBackendOfFour : public EveryBackend {};

INSTANTIATE_TEST_SUITE_P(Worlds, EveryBackendOfFour,
                         ::testing::Combine(::testing::Values("gloo", "sim"),
                                            ::testing::Values(4, 7)),
                         case_name);

TEST_P(EveryBackend, BroadcastsFromEverySource) {
  for (at::ScalarType type : kTypes)
    for (int source = 0; source < ranks_; ++source) {
      Transfer transfer = transfer_of(Collective::kBroadcast, first_ranks(ranks_), source);
      for (Member& member : transfer.members)
        (member.rank == source ? member.in : member.out)
            .push_back(values_of(member.rank, 37, type));
      run(transfer);
      for (const std::vector<uint8_t>& bytes : everything(transfer))
        EXPECT_EQ(bytes, bytes_of(values_of(source, 37, type))) << type_of(type) << source;
    }
}

TEST_P(EveryBackend, KeepsTheTailOfAReceiverThatHoldsMore) {
  Transfer transfer = transfer_of(Collective::kBroadcast, first_ranks(ranks_), ranks_ - 1);
  for (Member& member : transfer.members)
    (member.rank == ranks_ - 1 ? member.in : member.out)
        .push_back(member.rank == ranks_ - 1 ? values_of(member.rank, 6, at::kBFloat16)
                                             : full_of(6, 9, at::kFloat));
  run(transfer);
  for (const Member& member : transfer.members) {
    if (member.rank == ranks_ - 1) continue;
    std::vector<uint8_t> wanted = bytes_of(full_of(6, 9, at::kFloat));
    const std::vector<uint8_t> given = bytes_of(values_of(ranks_ - 1, 6, at::kBFloat16));
    std::copy(given.begin(), given.end(), wanted.begin());
    EXPECT_EQ(bytes_of(member.out[0]), wanted);
  }
}

// Shards of 3, 0, 5, 3, 0, 5, ... elements: uneven, and some empty.
int64_t uneven(int rank) { return rank % 3 == 0 ? 3 : rank % 3 == 1 ? 0 : 5; }
int64_t even(int) { return 4; }

TEST_P(EveryBackend, ScattersEvenAndUnevenShards) {
  for (auto size : {even, uneven})
    for (at::ScalarType type : kTypes) {
      Transfer transfer = transfer_of(Collective::kScatter, first_ranks(ranks_), ranks_ / 2);
      for (Member& member : transfer.members) {
        member.out.push_back(full_of(size(member.rank) + 1, 99, type));  // one more than arrives
        transfer.members[static_cast<size_t>(ranks_ / 2)].in.push_back(
            values_of(member.rank, size(member.rank), type));
      }
      run(transfer);
      for (const Member& member : transfer.members) {
        std::vector<uint8_t> wanted = bytes_of(values_of(member.rank, size(member.rank), type));
        const std::vector<uint8_t> tail = bytes_of(full_of(1, 99, type));
        wanted.insert(wanted.end(), tail.begin(), tail.end());
        EXPECT_EQ(bytes_of(member.out[0]), wanted) << type_of(type) << member.rank;
      }
    }
}

TEST_P(EveryBackend, GathersEvenAndUnevenShards) {
  for (auto size : {even, uneven})
    for (at::ScalarType type : kTypes) {
      Transfer transfer = transfer_of(Collective::kGather, first_ranks(ranks_), ranks_ - 1);
      std::vector<at::Tensor>& out = transfer.members.back().out;
      for (Member& member : transfer.members) {
        member.in.push_back(values_of(member.rank, size(member.rank), type));
        out.push_back(full_of(size(member.rank), 99, type));
      }
      run(transfer);
      for (int rank = 0; rank < ranks_; ++rank)
        EXPECT_EQ(bytes_of(out[static_cast<size_t>(rank)]),
                  bytes_of(values_of(rank, size(rank), type)));
    }
}

TEST_P(EveryBackend, AllGathersEvenAndUnevenShards) {
  for (auto size : {even, uneven})
    for (at::ScalarType type : kTypes) {
      Transfer transfer = transfer_of(Collective::kAllGather, first_ranks(ranks_));
      for (Member& member : transfer.members) {
        member.in.push_back(values_of(member.rank, size(member.rank), type));
        for (int from = 0; from < ranks_; ++from)
          member.out.push_back(full_of(size(from), 9, type));
      }
      run(transfer);
      for (const Member& member : transfer.members)
        for (int from = 0; from < ranks_; ++from)
          EXPECT_EQ(bytes_of(member.out[static_cast<size_t>(from)]),
                    bytes_of(values_of(from, size(from), type)));
    }
}

TEST_P(EveryBackend, ReducesExactValues) {
  for (Reduction reduction : {Reduction::kSum, Reduction::kMax, Reduction::kMin})
    for (at::ScalarType type : kTypes) {
      Transfer transfer = transfer_of(Collective::kAllReduce, first_ranks(ranks_));
      transfer.reduction = reduction;
      at::Tensor wanted;
      for (Member& member : transfer.members) {
        const at::Tensor mine = values_of(member.rank, 29, at::kFloat);
        if (!wanted.defined()) wanted = mine.clone();
        else if (reduction == Reduction::kSum) wanted = wanted.add(mine);
        else wanted = reduction == Reduction::kMax ? wanted.maximum(mine) : wanted.minimum(mine);
        member.out.push_back(mine.to(type));
      }
      if (type == at::kBFloat16 && reduction == Reduction::kSum && ranks_ > 4) continue;  // rounds
      run(transfer);
      for (const Member& member : transfer.members)
        EXPECT_EQ(bytes_of(member.out[0]), bytes_of(wanted.to(type))) << type_of(type);
    }
}

TEST_P(EveryBackend, PassesABarrierAndSendsBetweenTwo) {
  run(transfer_of(Collective::kBarrier, first_ranks(ranks_)));
  for (int from = 0; from < ranks_; ++from) {
    const int to = (from + 1) % ranks_;
    if (to == from) return;
    Transfer transfer = transfer_of(Collective::kSend, {from, to});
    transfer.members[0].in.push_back(values_of(from, 11, at::kHalf));
    transfer.members[1].out.push_back(values_of(to, 11, at::kHalf));
    run(transfer);
    EXPECT_EQ(bytes_of(transfer.members[1].out[0]), bytes_of(values_of(from, 11, at::kHalf)));
  }
}

TEST_P(EveryBackend, MovesEmptyAndScalarTensors) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, std::vector<int64_t>{0, 3}}) {
    Transfer transfer = transfer_of(Collective::kBroadcast, first_ranks(ranks_));
    for (Member& member : transfer.members)
      (member.rank == 0 ? member.in : member.out).push_back(at::full(shape, member.rank + 5.0));
    run(transfer);
    for (const auto& bytes : everything(transfer))
      EXPECT_EQ(bytes, bytes_of(at::full(shape, 5.0)));
  }
}

TEST_P(EveryBackendOfFour, TakesSubGroupsInTheirOwnOrder) {
  std::vector<Transfer> transfers;
  for (const std::vector<int>& group : {std::vector<int>{3, 1}, std::vector<int>{0, 2}}) {
    Transfer transfer = transfer_of(Collective::kAllGather, group);
    for (Member& member : transfer.members) {
      member.in.push_back(values_of(member.rank, 3, at::kFloat));
      member.out = {full_of(3, 0, at::kFloat), full_of(3, 0, at::kFloat)};
    }
    transfers.push_back(transfer);
  }
  ASSERT_TRUE(backend_->run(transfers));
  for (const Transfer& transfer : transfers)
    for (const Member& member : transfer.members)
      for (size_t i = 0; i < 2; ++i)
        EXPECT_EQ(bytes_of(member.out[i]),
                  bytes_of(values_of(transfer.members[i].rank, 3, at::kFloat)));
}

// A value travels 0 -> 1 in one group, 1 -> 2 in another, and is gathered unevenly in a third.
TEST_P(EveryBackendOfFour, KeepsTheProgramOrderOfARankAcrossGroups) {
  for (int round = 0; round < 20; ++round) {
    std::vector<at::Tensor> held;
    for (int rank = 0; rank < 3; ++rank) held.push_back(values_of(rank, 1000, at::kFloat));
    std::vector<Transfer> transfers;
    for (int from : {0, 1}) {
      transfers.push_back(transfer_of(Collective::kBroadcast, {from, from + 1}));
      transfers.back().members[0].in = {held[static_cast<size_t>(from)]};
      transfers.back().members[1].out = {held[static_cast<size_t>(from) + 1]};
    }
    transfers.push_back(transfer_of(Collective::kGather, {0, 2}));
    transfers.back().members[0].in = {full_of(1, 1, at::kFloat)};
    transfers.back().members[1].in = {held[2]};
    transfers.back().members[0].out = {full_of(1, 0, at::kFloat), full_of(1000, 0, at::kFloat)};
    ASSERT_TRUE(backend_->run(transfers));
    EXPECT_EQ(bytes_of(transfers[2].members[0].out[1]), bytes_of(values_of(0, 1000, at::kFloat)));
  }
}

// Small broadcasts may travel as one; nobody can tell, whatever the sizes, sources and tails.
TEST_P(EveryBackend, MovesManyBroadcastsAsIfOneAfterTheOther) {
  std::vector<Transfer> transfers;
  for (int i = 0; i < 60; ++i) {
    const int source = i / 20 % ranks_;
    const int64_t count = i == 30 ? 100'000 : i % 7;
    transfers.push_back(transfer_of(Collective::kBroadcast, first_ranks(ranks_), source));
    for (Member& member : transfers.back().members) {
      if (member.rank == source) member.in.push_back(values_of(i % 9, count, at::kHalf));
      else member.out.push_back(full_of(count + i % 2, 99, at::kHalf));
    }
  }
  ASSERT_TRUE(backend_->run(transfers));
  for (size_t i = 0; i < transfers.size(); ++i) {
    const Transfer& transfer = transfers[i];
    const std::vector<uint8_t> given =
        bytes_of(transfer.members[static_cast<size_t>(transfer.source)].in[0]);
    for (const Member& member : transfer.members) {
      if (member.rank == transfer.source) continue;
      std::vector<uint8_t> wanted = bytes_of(full_of(member.out[0].numel(), 99, at::kHalf));
      std::copy(given.begin(), given.end(), wanted.begin());
      ASSERT_EQ(bytes_of(member.out[0]), wanted) << "broadcast " << i << " rank " << member.rank;
    }
  }
}

// Each rank in turn gives what it got from the one before, in one run.
TEST_P(EveryBackend, LetsALaterTransferGiveWhatAnEarlierOneBrought) {
  std::vector<at::Tensor> held;
  for (int rank = 0; rank < ranks_; ++rank) held.push_back(values_of(rank, 5, at::kFloat));
  std::vector<Transfer> transfers;
  for (int source = 0; source < ranks_; ++source) {
    transfers.push_back(transfer_of(Collective::kBroadcast, first_ranks(ranks_), source));
    for (Member& member : transfers.back().members)
      (member.rank == source ? member.in : member.out)
          .push_back(held[static_cast<size_t>(member.rank)]);
  }
  ASSERT_TRUE(backend_->run(transfers));
  for (const at::Tensor& tensor : held)
    EXPECT_EQ(bytes_of(tensor), bytes_of(values_of(0, 5, at::kFloat)));
}

TEST_P(EveryBackend, RefusesToReduceATypeThatGlooCannot) {
  Transfer transfer = transfer_of(Collective::kAllReduce, first_ranks(ranks_));
  for (Member& member : transfer.members) member.out.push_back(full_of(4, 1, at::kShort));
  const Result<void> done = backend_->run({&transfer, 1});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message,
            "rank 0: all_reduce of Short: Gloo reduces only float32, float64, float16, bfloat16, "
            "int8, uint8, bool, int32 and int64");
  run(transfer_of(Collective::kBarrier, first_ranks(ranks_)));  // the backend lives on
}

TEST(Backend, NamesTheKnownOnesWhenTheNameIsUnknown) {
  const auto made = make_backend("glow", 2);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message,
            "no backend is named \"glow\"; there are gloo (one c10d::ProcessGroupGloo per rank in "
            "this process, over loopback), nccl (one c10d::ProcessGroupNCCL per rank in this "
            "process, each with a GPU of its own), sim (in-memory copies without threads, for "
            "thousands of ranks)");
  EXPECT_EQ(make_backend("sim", 0).error().message, "a world needs at least one rank, not 0");
}

TEST(BackendDeath, RefusesATransferThatWouldAbortGloo) {
  Transfer transfer = transfer_of(Collective::kBroadcast, {0, 1});
  transfer.members[0].in.push_back(values_of(0, 8, at::kFloat));
  transfer.members[1].out.push_back(values_of(1, 7, at::kFloat));
  EXPECT_DEATH(static_cast<void>(backend_of("sim", 2)->run({&transfer, 1})),
               "a broadcast gives 32 bytes to a member that holds 28");
}

TEST(Sim, BroadcastsAmongFourThousandRanks) {
  const auto backend = backend_of("sim", 4096);
  Transfer transfer = transfer_of(Collective::kBroadcast, first_ranks(4096));
  for (Member& member : transfer.members)
    (member.rank == 0 ? member.in : member.out).push_back(full_of(1024, member.rank, at::kFloat));
  ASSERT_TRUE(backend->run({&transfer, 1}));
  const std::vector<uint8_t> wanted = bytes_of(full_of(1024, 0, at::kFloat));
  for (const auto& bytes : everything(transfer)) ASSERT_EQ(bytes, wanted);
}

// --- what only gloo can get wrong ------------------------------------------------------------

size_t entries(const char* folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

void one_case(int ranks) {
  const auto backend = backend_of("gloo", ranks);
  std::vector<Transfer> transfers;
  for (Collective op : {Collective::kBroadcast, Collective::kAllReduce, Collective::kBarrier}) {
    transfers.push_back(transfer_of(op, first_ranks(ranks)));
    for (Member& member : transfers.back().members) {
      member.in.push_back(values_of(member.rank, 8, at::kFloat));
      member.out.push_back(values_of(member.rank, 8, at::kFloat));
    }
  }
  const Result<void> done = backend->run(transfers);
  ASSERT_TRUE(done) << done.error().message;
  for (const Member& member : transfers[0].members) {
    if (member.rank == 0) continue;
    ASSERT_EQ(bytes_of(member.out[0]), bytes_of(values_of(0, 8, at::kFloat)));
  }
}

TEST(Gloo, ReusesAWorldWithoutGrowing) {
  for (int i = 0; i < 10; ++i) one_case(3);
  const size_t files = entries("/proc/self/fd");
  const size_t threads = entries("/proc/self/task");
  for (int i = 0; i < 200; ++i) one_case(3);
  EXPECT_EQ(entries("/proc/self/fd"), files);
  EXPECT_EQ(entries("/proc/self/task"), threads);
}

TEST(Gloo, RunsSixtyFourRanks) { one_case(64); }

TEST(Gloo, SaysHowManyRanksItTakes) {
  EXPECT_EQ(make_backend("gloo", 129).error().message,
            "the gloo backend runs at most 128 ranks in one process, not 129; the sim backend has "
            "no such limit");
}

TEST(Gloo, NamesAnInterfaceThatIsAbsent) {
  // 9 ranks: no test gives such a world to the pool, which would be taken instead.
  const auto made = make_gloo_backend(9, {.interface = "absent0"});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message,
              HasSubstr("9 ranks could not meet over Gloo on the network interface \"absent0\": "));
}

}  // namespace
}  // namespace loadproof::sim
