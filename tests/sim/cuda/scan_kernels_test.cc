// The kernels that count on a device, run on threads of the host and held against the host's scans.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "sim/cuda/kernels.h"
#include "sim/cuda/repeat.h"
#include "tests/sim/cuda/host_grid.h"

namespace loadproof::sim {
namespace on_host {
using namespace host_grid;
#include "sim/cuda/scan_kernels.inc"
}  // namespace on_host

namespace {

using CountKernel = void (*)(const unsigned char*, unsigned long long, unsigned long long*);

CountKernel count_kernel_named(std::string_view name) {
  if (name == "count_int8") return on_host::count_int8;
  if (name == "count_int16") return on_host::count_int16;
  if (name == "count_int32") return on_host::count_int32;
  if (name == "count_int64") return on_host::count_int64;
  if (name == "count_float8_e4m3fn") return on_host::count_float8_e4m3fn;
  if (name == "count_float8_e5m2") return on_host::count_float8_e5m2;
  if (name == "count_float16") return on_host::count_float16;
  if (name == "count_bfloat16") return on_host::count_bfloat16;
  if (name == "count_float32") return on_host::count_float32;
  if (name == "count_float64") return on_host::count_float64;
  return nullptr;
}

// Two blocks of two warps: every boundary that there is.
constexpr unsigned kBlocks = 2, kThreads = 64;

ElementCounts count_on_grid(const unsigned char* data, int64_t elements, DType dtype) {
  ScanTotals totals{};
  host_grid::launch(kBlocks, kThreads, count_kernel_named(count_kernel(dtype)), data,
                    static_cast<unsigned long long>(elements), totals.data());
  return counts_from(totals, elements, dtype);
}

std::optional<int64_t> difference_on_grid(const unsigned char* a, const unsigned char* b,
                                          int64_t bytes) {
  unsigned long long first = kNoDifference;
  host_grid::launch(kBlocks, kThreads, on_host::first_difference, a, b,
                    static_cast<unsigned long long>(bytes), &first);
  if (first == kNoDifference) return std::nullopt;
  return static_cast<int64_t>(first);
}

// 16-byte aligned memory of which any part may be taken.
class Buffer {
 public:
  explicit Buffer(size_t bytes) : vectors_(bytes / 16 + 2) {}
  unsigned char* data() { return reinterpret_cast<unsigned char*>(vectors_.data()); }
  size_t size() const { return vectors_.size() * 16; }

 private:
  struct alignas(16) Vector {
    unsigned char bytes[16] = {};
  };
  std::vector<Vector> vectors_;
};

// What each format tells from what: every magnitude at a boundary and its neighbours, both signs.
std::vector<uint64_t> boundaries(DType dtype) {
  const auto bits = static_cast<unsigned>(8 * item_size(dtype));
  const uint64_t sign = uint64_t{1} << (bits - 1);
  std::vector<uint64_t> all;
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{0x38}, uint64_t{0x3C}, uint64_t{0x7C},
        uint64_t{0x7E}, uint64_t{0x7F}, uint64_t{0x3C00}, uint64_t{0x7C00}, uint64_t{0x3F80},
        uint64_t{0x7F80}, uint64_t{0x7FFF}, uint64_t{0x3F800000}, uint64_t{0x7F800000},
        uint64_t{0x3FF0000000000000}, uint64_t{0x7FF0000000000000}, sign - 1})
    for (const uint64_t near : {value - 1, value, value + 1})
      for (const uint64_t signed_one : {near, near ^ sign}) all.push_back(signed_one);
  return all;
}

// Random elements, a half of them at boundaries.
void strew(Buffer& buffer, DType dtype, std::mt19937_64& random) {
  const std::vector<uint64_t> special = boundaries(dtype);
  const auto width = static_cast<size_t>(item_size(dtype));
  for (size_t at = 0; at + width <= buffer.size(); at += width) {
    const uint64_t bits = random() % 2 == 0 ? random() : special[random() % special.size()];
    std::memcpy(buffer.data() + at, &bits, width);
  }
}

TEST(ScanKernels, CountAsTheHostDoesAtEverySizeAndAlignment) {
  std::mt19937_64 random(11);
  // Bytes: nothing, edges alone, one vector, more than the grid holds at once, several rounds.
  constexpr int64_t kSizes[] = {0, 8, 16, 24, 40, 136, 2048, 8192 + 24, 20000};
  for (const DType dtype : kAllDTypes) {
    const int64_t width = item_size(dtype);
    Buffer buffer(20000 + 16);
    strew(buffer, dtype, random);
    for (const int64_t size : kSizes)
      for (const int64_t offset : {int64_t{0}, width, int64_t{16} - width}) {
        const unsigned char* data = buffer.data() + offset;
        const int64_t elements = size / width - (size > 100 && random() % 2 == 0 ? 1 : 0);
        EXPECT_EQ(count_on_grid(data, elements, dtype), count_elements(data, elements, dtype))
            << name(dtype) << ", " << elements << " from " << offset;
      }
  }
}

TEST(ScanKernels, CountElementsThatAreNotAligned) {
  std::mt19937_64 random(12);
  for (const DType dtype : kAllDTypes) {
    Buffer buffer(4096);
    strew(buffer, dtype, random);
    std::memmove(buffer.data() + 1, buffer.data(), buffer.size() - 1);
    const int64_t elements = 4000 / item_size(dtype);
    EXPECT_EQ(count_on_grid(buffer.data() + 1, elements, dtype),
              count_elements(buffer.data() + 1, elements, dtype))
        << name(dtype);
  }
}

TEST(ScanKernels, TellEverySmallElementBesideEveryNeighbour) {
  for (const DType dtype : kAllDTypes) {
    if (item_size(dtype) > 2) continue;
    const size_t all = size_t{1} << (8 * item_size(dtype));
    for (const unsigned beside : {0x0000u, 0x0001u, 0x7F7Fu, 0x8080u, 0xFFFFu}) {
      Buffer buffer(2 * all * static_cast<size_t>(item_size(dtype)));
      for (size_t i = 0; i < all; ++i) {
        const auto width = static_cast<size_t>(item_size(dtype));
        std::memcpy(buffer.data() + 2 * i * width, &i, width);
        std::memcpy(buffer.data() + (2 * i + 1) * width, &beside, width);
      }
      const auto elements = static_cast<int64_t>(2 * all);
      EXPECT_EQ(count_on_grid(buffer.data(), elements, dtype),
                count_elements(buffer.data(), elements, dtype))
          << name(dtype) << " beside " << beside;
    }
  }
}

// Sums that a byte or a word of a counter would not hold.
TEST(ScanKernels, CountWhatIsAllTheSame) {
  for (const DType dtype : kAllDTypes)
    for (const int fill : {0x00, 0x7F, 0xFF}) {
      constexpr size_t kBytes = 100'000;
      Buffer buffer(kBytes);
      std::memset(buffer.data(), fill, buffer.size());
      const auto elements = static_cast<int64_t>(kBytes) / item_size(dtype);
      EXPECT_EQ(count_on_grid(buffer.data(), elements, dtype),
                count_elements(buffer.data(), elements, dtype))
          << name(dtype) << " of " << fill;
    }
}

TEST(ScanKernels, FindTheFirstDifferenceWhereverItIs) {
  constexpr int64_t kBytes = 9001;
  Buffer left(kBytes + 16), right(kBytes + 16);
  for (const size_t of_left : {0u, 5u})
    for (const size_t of_right : {0u, 5u, 6u}) {
      unsigned char* a = left.data() + of_left;
      unsigned char* b = right.data() + of_right;
      EXPECT_EQ(difference_on_grid(a, b, kBytes), std::nullopt);
      for (const int64_t at : {int64_t{0}, int64_t{10}, int64_t{11}, int64_t{16}, int64_t{2047},
                               int64_t{4100}, kBytes - 17, kBytes - 1}) {
        a[at] = 1;
        b[kBytes - 1] ^= 3;  // a later one
        EXPECT_EQ(difference_on_grid(a, b, kBytes), first_difference(a, b, kBytes));
        EXPECT_EQ(difference_on_grid(a, b, kBytes), at) << of_left << ' ' << of_right;
        EXPECT_EQ(difference_on_grid(a, b, at), std::nullopt);
        a[at] = 0;
        b[kBytes - 1] ^= 3;
      }
    }
}

// The grid has four warps: fewer blocks than that, and several rounds of some.
TEST(ScanKernels, DigestBlocksAsTheHostDoesAtEveryAlignment) {
  std::mt19937_64 random(13);
  Buffer buffer(10 * kDigestBlock + 16);
  for (const size_t blocks : {0u, 1u, 3u, 10u})
    for (size_t offset = 0; offset < 16; offset += blocks == 1 ? 1 : 6) {
      strew(buffer, DType::kUint8, random);
      const unsigned char* data = buffer.data() + offset;
      std::vector<unsigned long long> found(blocks + 1, 7);
      host_grid::launch(kBlocks, kThreads, on_host::block_digests, data,
                        static_cast<unsigned long long>(blocks), found.data());
      EXPECT_EQ(found[blocks], 7u) << "beyond the last";
      found.pop_back();
      const std::vector<uint64_t> expected = block_digests(data, blocks * kDigestBlock);
      EXPECT_EQ(std::vector<uint64_t>(found.begin(), found.end()), expected)
          << blocks << " from " << offset;
    }
}

// Sums that carry and products at their limits.
TEST(ScanKernels, DigestBlocksThatAreAllTheSame) {
  for (const int fill : {0x00, 0x80, 0xFF}) {
    Buffer buffer(2 * kDigestBlock);
    std::memset(buffer.data(), fill, buffer.size());
    unsigned long long found[2] = {};
    host_grid::launch(kBlocks, kThreads, on_host::block_digests, buffer.data(), 2ull, &found[0]);
    EXPECT_EQ(found[0], digest(buffer.data(), kDigestBlock)) << fill;
    EXPECT_EQ(found[1], found[0]) << fill;
  }
}

TEST(RepeatPattern, CopiesAsOftenAsItMustDouble) {
  for (const size_t bytes : {0u, 1u, 6u, 7u, 8u, 14u, 100u, 7u * 64}) {
    const std::string pattern = "pattern";
    std::string block(bytes, '-');
    int copies = 0;
    repeat_pattern(
        bytes, pattern.size(), [&](size_t first) { std::memcpy(block.data(), &pattern[0], first); },
        [&](size_t at, size_t more) {
          ASSERT_LE(more, at) << "it may not overlap";
          std::memcpy(block.data() + at, block.data(), more);
          ++copies;
        });
    for (size_t i = 0; i < bytes; ++i) EXPECT_EQ(block[i], pattern[i % pattern.size()]) << i;
    if (bytes == 7u * 64) {
      EXPECT_EQ(copies, 6);
    }
  }
}

TEST(ScanKernels, AreAllThereByName) {
  for (const DType dtype : kAllDTypes) {
    EXPECT_NE(count_kernel_named(count_kernel(dtype)), nullptr) << name(dtype);
    EXPECT_NE(
        std::ranges::find_if(scan_kernel_names(),
                             [&](std::string_view one) { return one == count_kernel(dtype); }),
        scan_kernel_names().end());
  }
  for (const char* name : {kFirstDifferenceKernel, kBlockDigestsKernel})
    EXPECT_NE(scan_kernels_source().find(std::string("SCAN_KERNEL ") + name + "("),
              std::string::npos);
  EXPECT_EQ(blocks_for(0, 132), 1u);
  EXPECT_EQ(blocks_for(64 * 256 + 1, 132), 2u);
  EXPECT_EQ(blocks_for(int64_t{1} << 40, 132), 6u * 132);
}

}  // namespace
}  // namespace loadproof::sim
