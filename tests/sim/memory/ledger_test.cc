#include "sim/memory/ledger.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "sim/memory/poison.h"

namespace loadproof::sim {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

class Ledger : public testing::Test {
 protected:
  void SetUp() override {
    install_poison_allocator();
    set_fill(Fill::kNan);
    reset_ledger();
  }

  static at::Tensor bytes(int64_t count) { return at::empty({count}, at::kByte); }
};

TEST_F(Ledger, CountsWhatARankHoldsAndHeldAtMost) {
  const RankScope scope(3);
  at::Tensor small = bytes(1000);
  {
    const at::Tensor large = bytes(5 * kMiB);
    EXPECT_EQ(read_ledger(3).reserved, 1000 + 5 * kMiB);
  }
  const LedgerReading reading = read_ledger(3);
  EXPECT_EQ(reading.reserved, 1000);
  EXPECT_EQ(reading.reserved_peak, 1000 + 5 * kMiB);
  EXPECT_EQ(reading.allocations, 2);
  small.reset();
  EXPECT_EQ(read_ledger(3).reserved, 0);
}

TEST_F(Ledger, NamesTheStepAtWhichThePeakFirstStood) {
  const RankScope scope(0, 10);
  const at::Tensor kept = bytes(100);
  set_step(11);
  { const at::Tensor peak = bytes(300); }
  set_step(12);
  { const at::Tensor equal = bytes(300); }
  set_step(13);
  { const at::Tensor less = bytes(200); }
  EXPECT_EQ(read_ledger(0).reserved_peak, 400);
  EXPECT_EQ(read_ledger(0).peak_step, 11);
}

TEST_F(Ledger, KeepsRanksApartInNestedScopes) {
  at::Tensor of_nobody = bytes(10);
  {
    const RankScope outer(1, 5);
    const at::Tensor first = bytes(20);
    {
      const RankScope inner(2, 6);
      const at::Tensor second = bytes(40);
      EXPECT_EQ(read_ledger(2).reserved, 40);
    }
    const at::Tensor third = bytes(80);
    EXPECT_EQ(read_ledger(1).reserved, 100);
    EXPECT_EQ(read_ledger(1).peak_step, 5);
  }
  EXPECT_EQ(read_ledger(kUnattributed).reserved, 10);
  EXPECT_EQ(read_ledger(1).reserved, 0);
  EXPECT_EQ(read_ledger(2), (LedgerReading{.reserved_peak = 40,
                                           .peak_step = 6,
                                           .committed_peak = 40,
                                           .allocations = 1}));
}

TEST_F(Ledger, CreditsTheOwnerWhenAnotherThreadOrRankFrees) {
  for (const int64_t size : {int64_t{1000}, 6 * kMiB}) {
    at::Tensor tensor;
    {
      const RankScope scope(1);
      tensor = bytes(size);
    }
    std::thread other([&] {
      const RankScope scope(2);
      tensor.reset();
    });
    other.join();
    EXPECT_EQ(read_ledger(1).reserved, 0);
    EXPECT_EQ(read_ledger(1).reserved_peak, size);
    EXPECT_EQ(read_ledger(2), LedgerReading{});
  }
}

TEST_F(Ledger, CountsSmallBlocksAsCommittedWhole) {
  const RankScope scope(0);
  const at::Tensor tensor = bytes(12345);
  EXPECT_EQ(read_ledger(0).committed, 12345);
}

TEST_F(Ledger, CountsOfLargeBlocksWhatWasWritten) {
  const RankScope scope(0);
  const at::Tensor tensor = bytes(64 * kMiB);
  EXPECT_EQ(read_ledger(0).reserved, 64 * kMiB);
  EXPECT_EQ(read_ledger(0).committed, 0);

  std::memset(tensor.data_ptr(), 1, static_cast<size_t>(20 * kMiB + 5));
  EXPECT_GE(read_ledger(0).committed, 20 * kMiB + 5);
  EXPECT_LE(read_ledger(0).committed, 20 * kMiB + 5 + 4096);

  volatile uint8_t sum = 0;  // reading commits nothing
  for (int64_t at = 0; at < 64 * kMiB; at += 4096)
    sum = static_cast<uint8_t>(sum + tensor.data_ptr<uint8_t>()[at]);
  EXPECT_LE(read_ledger(0).committed, 20 * kMiB + 5 + 4096);
}

TEST_F(Ledger, CountsZerosAsCommittedAndEmptyAsNot) {
  const RankScope scope(0);
  const at::Tensor zeros = at::zeros({8 * kMiB}, at::kFloat);
  const at::Tensor empty = at::empty({8 * kMiB}, at::kFloat);
  EXPECT_EQ(read_ledger(0).reserved, 64 * kMiB);
  EXPECT_EQ(read_ledger(0).committed, 32 * kMiB);
}

TEST_F(Ledger, KeepsTheCommittedPeakOfItsSamples) {
  const RankScope scope(0);
  {
    const at::Tensor tensor = bytes(8 * kMiB);
    std::memset(tensor.data_ptr(), 1, static_cast<size_t>(8 * kMiB));
    sample_ledger(0);
  }
  EXPECT_EQ(read_ledger(0).committed, 0);
  EXPECT_EQ(read_ledger(0).committed_peak, 8 * kMiB);
}

TEST_F(Ledger, ForgetsBlocksThatOutliveAReset) {
  const RankScope scope(0);
  at::Tensor small = bytes(100);
  at::Tensor large = bytes(5 * kMiB);
  reset_ledger();
  EXPECT_EQ(read_ledger(0), LedgerReading{});
  const at::Tensor fresh = bytes(50);
  small.reset();
  large.reset();
  EXPECT_EQ(read_ledger(0).reserved, 50);
  EXPECT_EQ(read_ledger(0).committed, 50);
}

TEST_F(Ledger, RefusesWhatIsAboveARanksLimit) {
  const RankScope scope(4);
  limit_rank(4, 1000);
  const at::Tensor fits = bytes(900);
  try {
    bytes(101);
    FAIL() << "101 bytes were given above the limit";
  } catch (const c10::OutOfMemoryError& error) {
    EXPECT_STREQ(error.what_without_backtrace(),
                 "no memory: rank 4 asked for 101 bytes, and its limit allows no more");
  }
  EXPECT_THROW(bytes(5 * kMiB), c10::OutOfMemoryError);
  EXPECT_EQ(read_ledger(4).reserved, 900);
  EXPECT_EQ(read_ledger(4).reserved_peak, 900);
  EXPECT_EQ(read_ledger(4).allocations, 1);
  const at::Tensor exactly = bytes(100);
  reset_ledger();
  EXPECT_EQ(bytes(2000).numel(), 2000);
}

TEST_F(Ledger, AddsUpWhenManyThreadsAllocateForTheSameRanks) {
  constexpr int kThreads = 8, kRounds = 400;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([thread] {
      std::vector<at::Tensor> kept;
      for (int round = 0; round < kRounds; ++round) {
        const RankScope scope((thread + round) % 3, round);
        kept.push_back(bytes(1 + (round * 37) % 5000));
        if (round % 100 == 50) kept.push_back(bytes(5 * kMiB));
        if (kept.size() > 10) kept.erase(kept.begin());
        if (round % 150 == 0) sample_ledger(round % 3);
      }
    });
  for (std::thread& thread : threads) thread.join();
  int64_t allocations = 0;
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(read_ledger(rank).reserved, 0);
    EXPECT_EQ(read_ledger(rank).committed, 0);
    allocations += read_ledger(rank).allocations;
  }
  EXPECT_EQ(allocations, kThreads * (kRounds + 4));
}

}  // namespace
}  // namespace loadproof::sim
