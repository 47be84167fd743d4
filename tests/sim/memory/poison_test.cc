#include "sim/memory/poison.h"

#include <ATen/core/Tensor.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "sim/memory/scan.h"

namespace loadproof::sim {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

// Whether bytes [begin, end) of a block hold the fill: a block's fill starts at its first byte.
bool holds(const void* block, int64_t begin, int64_t end, Fill fill) {
  std::vector<std::byte> expected(static_cast<size_t>(end));
  fill_bytes(expected.data(), expected.size(), fill);
  const auto at = static_cast<size_t>(begin);
  return std::memcmp(static_cast<const std::byte*>(block) + begin, expected.data() + at,
                     static_cast<size_t>(end) - at) == 0;
}

bool holds(const at::Tensor& tensor, Fill fill) {
  return holds(tensor.data_ptr(), 0, static_cast<int64_t>(tensor.nbytes()), fill);
}

bool holds_word(const void* data, int64_t bytes, uint16_t word) {
  std::vector<std::byte> expected(static_cast<size_t>(bytes));
  fill_words(expected.data(), expected.size(), word);
  return std::memcmp(data, expected.data(), expected.size()) == 0;
}

int64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return -1;
}

class Poison : public testing::Test {
 protected:
  void SetUp() override {
    install_poison_allocator();
    set_fill(Fill::kNan);
    reset_ledger();
  }
};

struct Kind {
  Fill fill;
  at::ScalarType dtype;
};

// Every way to get memory that nobody wrote, under each fill, in each type models are kept in.
class Unwritten : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    install_poison_allocator();
    set_fill(GetParam().fill);
  }
  void TearDown() override { set_fill(Fill::kNan); }

  Fill fill() const { return GetParam().fill; }
  at::ScalarType dtype() const { return GetParam().dtype; }
};

TEST_P(Unwritten, EmptyHoldsTheFill) {
  for (const int64_t elements : {1, 3, 64, 1000, 100000, 2000000, 3000001})
    EXPECT_TRUE(holds(at::empty({elements}, dtype()), fill())) << elements;
}

TEST_P(Unwritten, EmptyLikeHoldsTheFill) {
  EXPECT_TRUE(holds(at::empty_like(at::ones({7, 33}, dtype())), fill()));
}

TEST_P(Unwritten, EmptyLikeOfAMetaTensorOnTheProcessorHoldsTheFill) {
  const at::Tensor meta = at::empty({48, 64}, at::device(at::kMeta).dtype(dtype()));
  EXPECT_TRUE(holds(at::empty_like(meta, at::device(at::kCPU)), fill()));
}

TEST_P(Unwritten, NewEmptyHoldsTheFill) {
  EXPECT_TRUE(holds(at::ones({2}, dtype()).new_empty({5, 500}), fill()));
}

TEST_P(Unwritten, GapsBetweenStridesHoldTheFill) {
  const at::Tensor gappy = at::empty_strided({10, 3}, {8, 1}, dtype());
  gappy.fill_(1);
  const int64_t item = static_cast<int64_t>(gappy.itemsize());
  for (int64_t row = 0; row + 1 < 10; ++row)
    EXPECT_TRUE(holds(gappy.data_ptr(), (row * 8 + 3) * item, (row + 1) * 8 * item, fill()));
}

TEST_P(Unwritten, WhatResizeAddsHoldsTheFillAndTheRestIsKept) {
  const at::Tensor tensor = at::ones({100}, dtype());
  const at::Tensor before = tensor.clone();
  tensor.resize_({5000});
  EXPECT_TRUE(tensor.slice(0, 0, 100).equal(before));
  EXPECT_TRUE(holds(tensor.data_ptr(), static_cast<int64_t>(before.nbytes()),
                    static_cast<int64_t>(tensor.nbytes()), fill()));
}

TEST_P(Unwritten, AStorageThatWasFreedAndResizedHoldsTheFill) {
  const at::Tensor tensor = at::ones({1024}, dtype());
  const size_t bytes = tensor.nbytes();
  c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
  at::native::resize_bytes_cpu(storage, 0);
  at::native::resize_bytes_cpu(storage, bytes);
  EXPECT_TRUE(holds(tensor, fill()));
}

TEST_P(Unwritten, WhatIsWrittenHoldsNoTraceOfTheFill) {
  const at::Tensor pattern = at::full({4099}, 0.25, dtype());
  EXPECT_TRUE(pattern.eq(0.25).all().item<bool>());
  EXPECT_TRUE(at::clone(pattern).equal(pattern));
  EXPECT_TRUE(at::zeros({4099}, dtype()).eq(0).all().item<bool>());
  EXPECT_TRUE(at::zeros_like(pattern).eq(0).all().item<bool>());
  EXPECT_TRUE(at::ones({4099}, dtype()).eq(1).all().item<bool>());
  EXPECT_TRUE(at::zeros({3 * kMiB}, dtype()).eq(0).all().item<bool>());
}

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  for (const FillInfo& row : fills())
    for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf, at::kFloat})
      all.push_back({row.fill, dtype});
  return all;
}

INSTANTIATE_TEST_SUITE_P(EveryFill, Unwritten, testing::ValuesIn(kinds()), [](const auto& test) {
  return std::string(name(test.param.fill)) + "_" + c10::toString(test.param.dtype);
});

TEST_F(Poison, ReadsAsNanInEveryElementOfThreeTypes) {
  for (const auto& [dtype, ours] : {std::pair{at::kBFloat16, DType::kBFloat16},
                                    std::pair{at::kHalf, DType::kFloat16},
                                    std::pair{at::kFloat, DType::kFloat32}})
    for (const int64_t elements : {int64_t{100}, 5 * kMiB}) {
      const at::Tensor tensor = at::empty({elements}, dtype);
      EXPECT_EQ(count_nan(tensor.data_ptr(), elements, ours), elements);
    }
}

TEST_F(Poison, OfFreedMemoryIsAnotherPattern) {
  at::Tensor tensor = at::ones({1000}, at::kFloat);
  const void* dangling = tensor.data_ptr();
  tensor.reset();
  EXPECT_TRUE(holds_word(dangling, 4000, kFreedWord));
}

TEST_F(Poison, OfFreedLargeMemoryIsTheSamePattern) {
  at::Tensor tensor = at::ones({10 * kMiB}, at::kFloat);
  const void* dangling = tensor.data_ptr();
  tensor.reset();
  EXPECT_TRUE(holds_word(dangling, 40 * kMiB, kFreedWord));
}

TEST_F(Poison, IsFreshWhenABlockIsUsedAgain) {
  at::Tensor tensor = at::ones({1000}, at::kFloat);
  const void* before = tensor.data_ptr();
  tensor.reset();
  set_fill(Fill::kStale);
  tensor = at::empty({997}, at::kFloat);
  EXPECT_EQ(tensor.data_ptr(), before);
  EXPECT_TRUE(holds(tensor, Fill::kStale));
}

TEST_F(Poison, OfALargeBlockIsNotSharedBetweenTensors) {
  const at::Tensor first = at::empty({10 * kMiB}, at::kFloat);
  const at::Tensor second = at::empty({10 * kMiB}, at::kFloat);
  first.fill_(3);
  EXPECT_TRUE(holds(second, Fill::kNan));
  EXPECT_TRUE(holds(at::empty({10 * kMiB}, at::kFloat), Fill::kNan));
}

TEST_F(Poison, OfALargeBlockCostsNoMemoryUntilItIsWritten) {
  at::empty({5 * kMiB}, at::kByte);  // makes the file of the fill, once
  const int64_t before = resident_kib();
  const at::Tensor tensor = at::empty({4096 * kMiB}, at::kByte);
  EXPECT_LT(resident_kib() - before, 4096);
  for (const int64_t at : {int64_t{0}, 17 * kMiB, 4095 * kMiB})
    EXPECT_TRUE(holds_word(tensor.data_ptr<uint8_t>() + at, kMiB, info(Fill::kNan).word));
  const int64_t read = resident_kib();
  std::memset(tensor.data_ptr<uint8_t>() + 100 * kMiB, 1, static_cast<size_t>(64 * kMiB));
  EXPECT_GT(resident_kib() - read, 60 * 1024);
}

TEST_F(Poison, GivesMemoryAlignedToACacheLine) {
  for (const int64_t bytes : {1, 65, 4096, 100000, 4194303, 4194304, 5000000})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at::empty({bytes}, at::kByte).data_ptr()) % 64, 0u);
}

TEST_F(Poison, GivesBlocksOfEverySizeTheirWholeLength) {
  std::vector<at::Tensor> blocks;
  for (int64_t bytes = 1; bytes < 6 * kMiB; bytes = bytes * 5 / 4 + 1)
    for (const int64_t size : {bytes - 1, bytes, bytes + 1})
      blocks.push_back(at::full({size}, static_cast<int64_t>(blocks.size() % 251), at::kByte));
  for (size_t i = 0; i < blocks.size(); ++i)
    EXPECT_TRUE(blocks[i].eq(static_cast<int64_t>(i % 251)).all().item<bool>())
        << blocks[i].numel() << " bytes were overwritten by a neighbour";
}

TEST_F(Poison, GivesNoBlockToTwoThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> spoiled(8);
  for (size_t thread = 0; thread < spoiled.size(); ++thread)
    threads.emplace_back([thread, &spoiled] {
      c10::Allocator* ours = c10::GetCPUAllocator();
      for (size_t round = 0; round < 3000; ++round) {
        const size_t words = 1 + (round * 7) % 300;
        auto* block = static_cast<uint64_t*>(ours->raw_allocate(words * 8));
        for (size_t i = 0; i < words; ++i) block[i] = thread;
        for (size_t i = 0; i < words; ++i) spoiled[thread] += block[i] != thread;
        ours->raw_deallocate(block);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(spoiled, testing::Each(0));
}

TEST_F(Poison, GivesNothingForZeroBytes) {
  const at::Tensor empty = at::empty({0, 5}, at::kFloat);
  EXPECT_EQ(empty.data_ptr(), nullptr);
  EXPECT_EQ(c10::GetCPUAllocator()->raw_allocate(0), nullptr);
  c10::GetCPUAllocator()->raw_deallocate(nullptr);
  EXPECT_EQ(read_ledger(kUnattributed).allocations, 0);
}

TEST_F(Poison, ServesRawAllocationsAsOneDnnMakesThem) {
  void* raw = c10::GetCPUAllocator()->raw_allocate(1000);
  EXPECT_TRUE(holds(raw, 0, 1000, Fill::kNan));
  c10::GetCPUAllocator()->raw_deallocate(raw);
  EXPECT_TRUE(holds_word(raw, 1000, kFreedWord));
}

TEST_F(Poison, IsLeftOutWhereTheScopeSaysSoAndOnThatThreadAlone) {
  const WithoutPoison scope;
  const at::Tensor large = at::empty({5 * kMiB}, at::kByte);
  EXPECT_EQ(count_elements(large.data_ptr(), 5 * kMiB, DType::kUint8).zero, 5 * kMiB);
  at::Tensor elsewhere;
  std::thread([&] { elsewhere = at::empty({1000}, at::kByte); }).join();
  EXPECT_TRUE(holds(elsewhere, Fill::kNan));
}

TEST_F(Poison, ComesBackAfterTheScopeThatLeftItOut) {
  {
    const WithoutPoison outer;
    { const WithoutPoison inner; }
    at::empty({1000}, at::kByte);
  }
  EXPECT_TRUE(holds(at::empty({1000}, at::kByte), Fill::kNan));
}

TEST_F(Poison, StaysWhenAnotherAllocatorIsSetAtTheUsualPriority) {
  c10::Allocator* ours = c10::GetCPUAllocator();
  c10::SetCPUAllocator(c10::GetDefaultCPUAllocator());
  install_poison_allocator();
  EXPECT_EQ(c10::GetCPUAllocator(), ours);
}

std::string refusal(int64_t bytes) {
  try {
    at::empty({bytes}, at::kByte);
  } catch (const c10::OutOfMemoryError& error) {
    return error.what_without_backtrace();
  }
  return "it was given";
}

TEST_F(Poison, OfMoreThanTheMachineCanMapIsAnErrorThatSaysWhoAskedForHowMuch) {
  const RankScope scope(2);
  EXPECT_EQ(refusal(int64_t{1} << 46),
            "no memory: rank 2 asked for 70368744177664 bytes, and the kernel refused: Cannot "
            "allocate memory");
  EXPECT_THAT(refusal(INT64_MAX), testing::HasSubstr("no memory: rank 2 asked for 9223372036"));
  EXPECT_EQ(read_ledger(2).reserved_peak, 0);
  EXPECT_TRUE(holds(at::empty({5 * kMiB}, at::kByte), Fill::kNan)) << "the next one is served";
}

TEST_F(Poison, OfMoreThanTheProcessMayMapIsAnErrorToo) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers map memory of their own";
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = 1;  // no further mapping
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &tight), 0);
  const std::string large = refusal(50 * kMiB);
  std::vector<at::Tensor> kept;
  std::string small;
  for (int i = 0; i < 40 && small.empty(); ++i) {  // more than a segment of the pool
    try {
      kept.push_back(at::empty({3 * kMiB}, at::kByte));
    } catch (const c10::OutOfMemoryError& error) {
      small = error.what_without_backtrace();
    }
  }
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_THAT(large, testing::HasSubstr("a thread of no rank asked for 52428800 bytes"));
  EXPECT_THAT(small, testing::HasSubstr("a thread of no rank asked for 3145728 bytes"));
}

using PoisonDeath = Poison;

TEST_F(PoisonDeath, AbortsWithTheReasonWhenABlockIsFreedTwice) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        void* raw = c10::GetCPUAllocator()->raw_allocate(1000);
        c10::GetCPUAllocator()->raw_deallocate(raw);
        c10::GetCPUAllocator()->raw_deallocate(raw);
      },
      "not a live block of this allocator: freed twice");
}

TEST_F(Poison, KeepsABoundedNumberOfFreedLargeBlocksMapped) {
  for (int i = 0; i < 300; ++i) at::empty({5 * kMiB}, at::kByte);
  std::ifstream maps("/proc/self/maps");
  int pieces = 0;
  for (std::string line; std::getline(maps, line);)
    pieces += line.find("loadproof-fill") != std::string::npos;
  EXPECT_LE(pieces, 64);
}

}  // namespace
}  // namespace loadproof::sim
