#include "sim/memory/scan.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Float8_e4m3fn.h>
#include <c10/util/Float8_e5m2.h>
#include <c10/util/Half.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <type_traits>
#include <vector>

namespace loadproof::sim {
namespace {

// The slow reference: one element at a time, by the type's own conversion to double.
template <typename T>
ElementCounts count_slowly(const std::byte* data, int64_t elements) {
  ElementCounts counts{.elements = elements};
  for (int64_t i = 0; i < elements; ++i) {
    T element{};
    std::memcpy(&element, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    if constexpr (std::is_integral_v<T>) {
      counts.zero += element == 0;
      counts.one += element == 1;
    } else {
      const double value = static_cast<double>(element);
      counts.nan += std::isnan(value);
      counts.inf += std::isinf(value);
      counts.zero += value == 0;
      counts.one += value == 1;
    }
  }
  return counts;
}

ElementCounts count_bool_slowly(const std::byte* data, int64_t elements) {
  ElementCounts counts = count_slowly<uint8_t>(data, elements);
  counts.one = elements - counts.zero;
  return counts;
}

ElementCounts reference(const std::byte* data, int64_t elements, DType dtype) {
  switch (dtype) {
    case DType::kBool: return count_bool_slowly(data, elements);
    case DType::kUint8: return count_slowly<uint8_t>(data, elements);
    case DType::kInt8: return count_slowly<int8_t>(data, elements);
    case DType::kInt16: return count_slowly<int16_t>(data, elements);
    case DType::kInt32: return count_slowly<int32_t>(data, elements);
    case DType::kInt64: return count_slowly<int64_t>(data, elements);
    case DType::kFloat8E4m3fn: return count_slowly<c10::Float8_e4m3fn>(data, elements);
    case DType::kFloat8E5m2: return count_slowly<c10::Float8_e5m2>(data, elements);
    case DType::kFloat16: return count_slowly<c10::Half>(data, elements);
    case DType::kBFloat16: return count_slowly<c10::BFloat16>(data, elements);
    case DType::kFloat32: return count_slowly<float>(data, elements);
    case DType::kFloat64: return count_slowly<double>(data, elements);
  }
  return {};
}

// Random bytes with words of every special value strewn in, at addresses of every alignment.
std::vector<std::byte> strewn_bytes(size_t size) {
  std::mt19937_64 random(7);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  constexpr uint64_t kWords[] = {0,
                                 0x8000000000000000,
                                 1,
                                 0x3C003C003C003C00,
                                 0x3F803F803F803F80,
                                 0x3F8000003F800000,
                                 0x3FF0000000000000,
                                 0xBFF0000000000000,
                                 0x7FF0000000000000,
                                 0xFFF0000000000001,
                                 0x7F8000007F800001,
                                 0x7F80FF807F81FF81,
                                 0x7C00FC007C01FC01,
                                 0x383C7E7F7C7D00FF,
                                 UINT64_MAX};
  for (size_t at = 0; at + 8 < size; at += 9 + random() % 16) {
    const uint64_t word = kWords[random() % std::size(kWords)];
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
  return bytes;
}

std::vector<Simd> every_simd() {
  std::vector<Simd> all;
  for (const Simd simd : {Simd::kBaseline, Simd::kAvx2, Simd::kAvx512})
    if (simd <= best_simd()) all.push_back(simd);
  return all;
}

TEST(Scan, CountsAsASlowLoopDoesInEveryTypeAtEveryAlignmentAndLength) {
  const auto bytes = strewn_bytes(1 << 16);
  for (const DType dtype : kAllDTypes) {
    for (const int64_t shift : {0, 1, 2, 3, 5, 7, 63}) {
      for (const int64_t elements : {0, 1, 2, 7, 8, 31, 32, 33, 63, 64, 65, 1000, 4099}) {
        const std::byte* data = bytes.data() + shift;
        const ElementCounts expected = reference(data, elements, dtype);
        const ElementCounts counted = count_elements(data, elements, dtype);
        ASSERT_EQ(counted, expected) << name(dtype) << ", " << elements << " at " << shift
                                     << ": nan " << counted.nan << " for " << expected.nan
                                     << ", inf " << counted.inf << " for " << expected.inf;
        ASSERT_EQ(count_nan(data, elements, dtype), expected.nan) << name(dtype);
        for (const Simd simd : every_simd()) {
          ASSERT_EQ(count_elements(data, elements, dtype, simd), expected) << name(dtype);
          ASSERT_EQ(count_nan(data, elements, dtype, simd), expected.nan) << name(dtype);
        }
      }
    }
  }
}

TEST(Scan, SeesEveryOfTheOneAndTwoByteElements) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const auto* data = reinterpret_cast<const std::byte*>(all.data());
  for (const DType dtype : kAllDTypes) {
    const int64_t elements = 131072 / item_size(dtype);
    EXPECT_EQ(count_elements(data, elements, dtype), reference(data, elements, dtype))
        << name(dtype);
  }
}

TEST(Scan, DoesNotOverflowItsCountersOnBuffersFullOfOneValue) {
  for (const int value : {0x00, 0xFF, 0x7F}) {
    const std::vector<std::byte> bytes((3 << 20) + 11, static_cast<std::byte>(value));
    for (const DType dtype : kAllDTypes) {
      const int64_t elements = static_cast<int64_t>(bytes.size()) / item_size(dtype);
      const ElementCounts one = reference(bytes.data(), 1, dtype);
      const ElementCounts expected{.elements = elements,
                                   .nan = one.nan * elements,
                                   .inf = one.inf * elements,
                                   .zero = one.zero * elements,
                                   .one = one.one * elements};
      for (const Simd simd : every_simd())
        EXPECT_EQ(count_elements(bytes.data(), elements, dtype, simd), expected)
            << name(dtype) << " of " << value;
    }
  }
}

TEST(Scan, FindsASingleNanWhereverItIs) {
  std::vector<float> elements(1003, 0.5f);
  for (size_t at = 0; at < elements.size(); ++at) {
    elements[at] = NAN;
    ASSERT_EQ(count_nan(elements.data(), 1003, DType::kFloat32), 1) << at;
    elements[at] = 0.5f;
  }
  EXPECT_EQ(count_nan(elements.data(), 1003, DType::kFloat32), 0);
}

TEST(Scan, FindsTheFirstByteThatDiffers) {
  const auto left = strewn_bytes(20000);
  auto right = left;
  EXPECT_EQ(first_difference(left.data(), right.data(), 20000), std::nullopt);
  EXPECT_EQ(first_difference(nullptr, nullptr, 0), std::nullopt);
  right[19999] ^= std::byte{1};
  EXPECT_EQ(first_difference(left.data(), right.data(), 20000), 19999);
  EXPECT_EQ(first_difference(left.data(), right.data(), 19999), std::nullopt);
  for (const size_t at : {12000u, 4096u, 4095u, 17u, 0u}) {
    right[at] ^= std::byte{0x80};
    EXPECT_EQ(first_difference(left.data(), right.data(), 20000), static_cast<int64_t>(at));
  }
}

TEST(Scan, DigestDependsOnEveryBitTheLengthAndTheSeed) {
  auto bytes = strewn_bytes(1000);
  const uint64_t before = digest(bytes.data(), bytes.size());
  for (std::byte& byte : bytes) {
    byte ^= std::byte{4};
    ASSERT_NE(digest(bytes.data(), bytes.size()), before);
    byte ^= std::byte{4};
  }
  EXPECT_EQ(digest(bytes.data(), bytes.size()), before);
  EXPECT_NE(digest(bytes.data(), bytes.size() - 1), before);
  EXPECT_NE(digest(bytes.data(), bytes.size(), 1), before);
}

// From the specification's published value for empty input, so that files with digests stay valid.
TEST(Scan, DigestIsXxh3) { EXPECT_EQ(digest(nullptr, 0), 0x2D06800538D394C2u); }

TEST(Scan, DigestOfLargeBuffersIsThatOfTheirBlocks) {
  for (const size_t size : {kDigestTreeFrom, kDigestTreeFrom + 1, kDigestTreeFrom + kDigestBlock,
                            3 * kDigestTreeFrom - 1}) {
    auto bytes = strewn_bytes(size);
    std::vector<uint64_t> blocks;
    for (size_t at = 0; at < size; at += kDigestBlock)
      blocks.push_back(digest(bytes.data() + at, std::min(kDigestBlock, size - at)));
    EXPECT_EQ(block_digests(bytes.data(), size), blocks) << size;
    const uint64_t before = digest(bytes.data(), size, 5);
    EXPECT_EQ(before, digest(blocks.data(), blocks.size() * sizeof blocks[0], 5)) << size;
    EXPECT_EQ(before, digest_of_blocks(blocks, 5)) << size;
    EXPECT_NE(before, digest(bytes.data(), size, 6)) << size;
    for (const size_t at : {size_t{0}, kDigestBlock - 1, kDigestBlock, size / 2, size - 1}) {
      bytes[at] ^= std::byte{1};
      EXPECT_NE(digest(bytes.data(), size, 5), before) << at << " of " << size;
      bytes[at] ^= std::byte{1};
    }
  }
}

// Below that it is the plain XXH3 of all bytes, which a tree would not be.
TEST(Scan, DigestOfSmallBuffersIsPlain) {
  const auto bytes = strewn_bytes(kDigestTreeFrom - 1);
  EXPECT_NE(digest(bytes.data(), bytes.size()),
            digest_of_blocks(block_digests(bytes.data(), bytes.size())));
  EXPECT_EQ(block_digests(bytes.data(), 0), std::vector<uint64_t>());
}

}  // namespace
}  // namespace loadproof::sim
