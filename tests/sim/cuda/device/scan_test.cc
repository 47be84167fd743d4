// The scans of a device against the host's. Skipped where there is no device.
#include <ATen/ops/empty.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "sim/scalar_type.h"
#include "tests/sim/cuda/device/device.h"

namespace loadproof::sim {
namespace {

using DeviceScan = OnADevice;

// Random bytes with much that is counted: patterns of every format's NaN, inf, one and zero.
at::Tensor random_bytes(int64_t bytes, uint64_t seed) {
  const at::Tensor tensor = at::empty({bytes}, at::kByte);
  auto* data = tensor.mutable_data_ptr<uint8_t>();
  std::mt19937_64 random(seed);
  constexpr uint64_t kWords[] = {0,
                                 0x8000000000000000,
                                 1,
                                 0x0101010101010101,
                                 0x0001000100010001,
                                 0x0000000100000001,
                                 0x3C003C003C003C00,
                                 0x3F803F803F803F80,
                                 0x3F8000003F800000,
                                 0x3FF0000000000000,
                                 0xBFF0000000000000,
                                 0x7FF0000000000000,
                                 0xFFF0000000000001,
                                 0x7F800000FF800001,
                                 0x7F80FF807F81FF81,
                                 0x7C00FC007C01FC01,
                                 0x7F7E7DFF38B83CBC};
  for (int64_t at = 0; at + 8 <= bytes; at += 8) {
    const uint64_t word = random() % 2 == 0 ? random() : kWords[random() % std::size(kWords)];
    std::memcpy(data + at, &word, 8);
  }
  for (int64_t at = bytes / 8 * 8; at < bytes; ++at) data[at] = static_cast<uint8_t>(random());
  return tensor;
}

TEST_F(DeviceScan, CountsAsTheHostDoes) {
  const std::vector<int64_t> sizes =
      is_fake() ? std::vector<int64_t>{8, 4096, 100'008}
                : std::vector<int64_t>{8, 24, 4096, 1'000'008, int64_t{64} << 20};
  for (const int64_t bytes : sizes) {
    const at::Tensor here = random_bytes(bytes, static_cast<uint64_t>(bytes));
    const at::Tensor there = here.to(cuda->device_of(0));
    for (const DType dtype : kAllDTypes) {
      const at::Tensor mine = here.view(scalar_type(dtype)), its = there.view(scalar_type(dtype));
      EXPECT_EQ(cuda->count(its), count_elements(mine.const_data_ptr(), mine.numel(), dtype))
          << name(dtype) << ", " << bytes << " bytes";
      if (mine.numel() < 3) continue;
      const at::Tensor some = mine.narrow(0, 1, mine.numel() - 2);
      EXPECT_EQ(cuda->count(its.narrow(0, 1, its.numel() - 2)),
                count_elements(some.const_data_ptr(), some.numel(), dtype))
          << name(dtype) << ", a part of " << bytes << " bytes";
    }
  }
  EXPECT_EQ(cuda->count(empty(0, at::kFloat)), ElementCounts{});
}

TEST_F(DeviceScan, CountsWhatFreshMemoryHolds) {
  for (const FillInfo& info : fills()) {
    cuda->set_fill(info.fill);
    const int64_t elements = is_fake() ? 10'001 : 30'000'001;
    const std::vector<uint8_t> expected = filled(2 * elements, info.fill);
    EXPECT_EQ(cuda->count(empty(elements, at::kBFloat16)),
              count_elements(expected.data(), elements, DType::kBFloat16))
        << info.name;
  }
}

TEST_F(DeviceScan, DigestsBlocksAsTheHostDoes) {
  // Room for digests grows, and is then more than is needed. The last block is often shorter.
  std::vector<int64_t> sizes = {0, 1, 4095, 4096, 4097, 100'003, 8192};
  if (!is_fake()) sizes.insert(sizes.end(), {int64_t{64} << 20, (int64_t{300} << 20) + 77});
  for (const int64_t bytes : sizes) {
    const at::Tensor here = random_bytes(bytes + 16, static_cast<uint64_t>(bytes) + 5);
    const at::Tensor there = here.to(cuda->device_of(0));
    for (const int64_t offset : {0, 2, 8}) {
      const auto* data = here.const_data_ptr<uint8_t>() + offset;
      EXPECT_EQ(cuda->block_digests(there.narrow(0, offset, bytes)),
                block_digests(data, static_cast<size_t>(bytes)))
          << bytes << " bytes from " << offset;
    }
  }
}

TEST_F(DeviceScan, FindsTheFirstDifference) {
  const int64_t bytes = is_fake() ? 100'003 : (int64_t{64} << 20) + 3;
  const at::Tensor here = random_bytes(bytes, 3);
  const at::Tensor one = here.to(cuda->device_of(0)), other = one.clone();
  EXPECT_EQ(cuda->first_difference(one, other), std::nullopt);
  for (const int64_t at : {bytes - 1, bytes / 2, int64_t{4097}, int64_t{17}, int64_t{0}}) {
    const auto flipped = static_cast<uint8_t>(~here.const_data_ptr<uint8_t>()[at]);
    other.narrow(0, at, 1).copy_(at::empty({1}, at::kByte).fill_(flipped));
    EXPECT_EQ(cuda->first_difference(one, other), at);
    EXPECT_EQ(cuda->first_difference(one.narrow(0, 0, at), other.narrow(0, 0, at)), std::nullopt);
  }
  // At places that are aligned in different ways.
  const at::Tensor moved = empty(bytes);
  moved.narrow(0, 1, bytes - 1).copy_(one.narrow(0, 0, bytes - 1));
  EXPECT_EQ(cuda->first_difference(moved.narrow(0, 1, bytes - 1), one.narrow(0, 0, bytes - 1)),
            std::nullopt);
  EXPECT_EQ(cuda->first_difference(moved.narrow(0, 1, bytes - 1), other.narrow(0, 0, bytes - 1)),
            0);
}

}  // namespace
}  // namespace loadproof::sim
