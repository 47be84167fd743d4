// What device memory holds that nobody wrote, and whose it is. Skipped where there is no device.
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gmock/gmock.h>

#include <thread>

#include "tests/sim/cuda/device/device.h"

namespace loadproof::sim {
namespace {

using DeviceMemory = OnADevice;

constexpr int64_t kSizes[] = {1,
                              2,
                              3,
                              511,
                              512,
                              1001,
                              65'535,
                              65'536,
                              65'537 + 4096,
                              (int64_t{1} << 20) + 1,
                              int64_t{40} << 20,
                              (int64_t{70} << 20) + 3};

TEST_F(DeviceMemory, HoldsTheFillWhereverItComesFrom) {
  for (const FillInfo& info : fills()) {
    cuda->set_fill(info.fill);
    for (const int64_t bytes : kSizes) {
      at::Tensor block = empty(bytes);
      const void* place = block.const_data_ptr();
      EXPECT_EQ(read(block), filled(bytes, info.fill)) << info.name << ", " << bytes << " bytes";
      block.zero_();
      block.reset();
      block = empty(bytes);
      EXPECT_EQ(block.const_data_ptr(), place) << "the cache should have had it";
      EXPECT_EQ(read(block), filled(bytes, info.fill)) << info.name << ", " << bytes << " again";
    }
  }
  EXPECT_EQ(account().bytes(), held_before);
}

TEST_F(DeviceMemory, HoldsTheFreedWordOnceItIsFreed) {
  at::Tensor block = empty(1001);
  void* place = block.mutable_data_ptr();
  const at::TensorOptions options = block.options();
  block.reset();
  std::vector<uint8_t> freed(1001);
  fill_words(freed.data(), freed.size(), kFreedWord);
  EXPECT_EQ(read(at::from_blob(place, {1001}, options)), freed);
}

TEST_F(DeviceMemory, IsOnTheAccountByTheBytesThatWereAskedFor) {
  const at::Tensor one = empty(1001);
  at::Tensor two = empty(3, at::kFloat);
  EXPECT_EQ(account().bytes(), held_before + 1001 + 12);
  two = two.clone();
  EXPECT_EQ(account().bytes(), held_before + 1001 + 12);
  const at::Tensor view = two.narrow(0, 1, 1);
  two.reset();
  EXPECT_EQ(account().bytes(), held_before + 1001 + 12) << "the view has it";
  EXPECT_EQ(empty(0).numel(), 0);
}

TEST_F(DeviceMemory, IsRefusedWithASentence) {
  account().limit(4096);
  try {
    empty(4097);
    FAIL() << "it should have been refused";
  } catch (const c10::OutOfMemoryError& error) {
    EXPECT_THAT(error.what_without_backtrace(),
                ::testing::StartsWith("no memory: rank 0 asked for 4097 bytes, and its limit"));
  }
  EXPECT_EQ(account().bytes(), held_before);
  EXPECT_EQ(empty(4096).numel(), 4096);
}

TEST_F(DeviceMemory, GrowsWithTheFillBehindWhatWasWritten) {
  cuda->set_fill(Fill::kHuge);
  at::Tensor block = empty(100);
  block.copy_(at::ones({100}, at::kByte));
  block.resize_({1000});
  std::vector<uint8_t> expected = filled(1000, Fill::kHuge);
  std::fill_n(expected.begin(), 100, uint8_t{1});
  EXPECT_EQ(read(block), expected);
  EXPECT_EQ(account().bytes(), held_before + 1000);
}

TEST_F(DeviceMemory, MayBeUsedOnOtherStreams) {
  const c10::impl::VirtualGuardImpl guard(at::kCUDA);
  const c10::Stream stream = guard.getNewStream(cuda->device_of(0), 0);
  at::Tensor block = empty(1 << 20);
  block.record_stream(stream);
  block.reset();
  EXPECT_EQ(account().bytes(), held_before);
  EXPECT_EQ(read(empty(1 << 20)), filled(1 << 20, Fill::kNan));
}

TEST_F(DeviceMemory, IsFilledForThreadsThatNeverSawTheDevice) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  const std::vector<uint8_t> expected = filled(5001, Fill::kNan);
  for (size_t i = 0; i < wrong.size(); ++i)
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 50; ++turn) wrong[i] += read(empty(5001)) != expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
  EXPECT_EQ(account().bytes(), held_before);
}

TEST_F(DeviceMemory, OfWhatOperationsNeedIsGivenBack) {
  if (is_fake()) GTEST_SKIP() << "a fake device computes nothing";
  const at::Tensor ones = at::ones({64, 64}, at::TensorOptions(at::kFloat).device(at::kCUDA));
  EXPECT_EQ(ones.matmul(ones).sum().item<float>(), 64.0f * 64 * 64);
  EXPECT_EQ(ones.to(at::kBFloat16).matmul(ones.to(at::kBFloat16)).max().item<float>(), 64.0f);
  EXPECT_EQ(account().bytes(), held_before + ones.nbytes()) << "work spaces count on nobody";
}

TEST_F(DeviceMemory, IsDrawnFromAGeneratorOfItsOwn) {
  if (is_fake()) GTEST_SKIP() << "a fake device computes nothing";
  const auto draws = [&](uint64_t seed) {
    return read(empty(100, at::kFloat).normal_(0, 1, cuda->generator(cuda->device_of(0), seed)));
  };
  EXPECT_EQ(draws(7), draws(7));
  EXPECT_NE(draws(7), draws(8));
}

}  // namespace
}  // namespace loadproof::sim
