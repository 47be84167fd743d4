#include "sim/memory/fill.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Float8_e4m3fn.h>
#include <c10/util/Float8_e5m2.h>
#include <c10/util/Half.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <vector>

namespace loadproof::sim {
namespace {

using testing::HasSubstr;

// What `fill` reads as in elements of type T, over a whole period of the longest pattern.
template <typename T>
std::vector<double> values(Fill fill) {
  std::vector<std::byte> bytes(kStaleWords * sizeof(uint16_t));
  fill_bytes(bytes.data(), bytes.size(), fill);
  std::vector<double> read;
  for (size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    read.push_back(static_cast<double>(value));
  }
  return read;
}

template <typename T>
void expect_all_nan(Fill fill) {
  for (const double value : values<T>(fill)) ASSERT_TRUE(std::isnan(value)) << name(fill);
}

template <typename T>
void expect_magnitude(Fill fill, double least, double most) {
  for (const double value : values<T>(fill)) {
    ASSERT_GE(std::abs(value), least) << name(fill);
    ASSERT_LE(std::abs(value), most) << name(fill);
  }
}

TEST(Fill, NanIsNanInTheThreeTypesThatModelsAreKeptIn) {
  expect_all_nan<c10::BFloat16>(Fill::kNan);
  expect_all_nan<c10::Half>(Fill::kNan);
  expect_all_nan<float>(Fill::kNan);
}

TEST(Fill, NanHasTheBlindSpotsThatItsDescriptionNames) {
  expect_magnitude<double>(Fill::kNan, 2.3e307, 2.4e307);
  const auto fp8 = values<c10::Float8_e4m3fn>(Fill::kNan);
  EXPECT_EQ(fp8[0], -2);
  EXPECT_TRUE(std::isnan(fp8[1]));
}

TEST(Fill, Nan7fffIsNanInEveryFloatingType) {
  expect_all_nan<c10::BFloat16>(Fill::kNan7fff);
  expect_all_nan<c10::Half>(Fill::kNan7fff);
  expect_all_nan<float>(Fill::kNan7fff);
  expect_all_nan<double>(Fill::kNan7fff);
  expect_all_nan<c10::Float8_e4m3fn>(Fill::kNan7fff);
  expect_all_nan<c10::Float8_e5m2>(Fill::kNan7fff);
}

TEST(Fill, ZerosAreZero) {
  expect_magnitude<c10::BFloat16>(Fill::kZeros, 0, 0);
  expect_magnitude<double>(Fill::kZeros, 0, 0);
}

TEST(Fill, TinyIsSmallAndNotZeroInEveryFloatingType) {
  expect_magnitude<c10::BFloat16>(Fill::kTiny, 1e-36, 2e-36);
  expect_magnitude<float>(Fill::kTiny, 1e-36, 2e-36);
  expect_magnitude<c10::Half>(Fill::kTiny, 6.1e-5, 6.2e-5);
  expect_magnitude<double>(Fill::kTiny, 1e-300, 1e-280);
  expect_magnitude<c10::Float8_e4m3fn>(Fill::kTiny, 0.0078, 0.0079);
  expect_magnitude<c10::Float8_e5m2>(Fill::kTiny, 6.1e-5, 6.2e-5);
}

TEST(Fill, HugeIsLargeAndFiniteInEveryFloatingType) {
  expect_magnitude<c10::BFloat16>(Fill::kHuge, 1e36, 2e36);
  expect_magnitude<float>(Fill::kHuge, 1e36, 2e36);
  expect_magnitude<c10::Half>(Fill::kHuge, 61000, 65504);
  expect_magnitude<double>(Fill::kHuge, 1e280, 1e290);
  expect_magnitude<c10::Float8_e4m3fn>(Fill::kHuge, 352, 352);
  expect_magnitude<c10::Float8_e5m2>(Fill::kHuge, 57344, 57344);
}

TEST(Fill, StaleLooksLikeWeights) {
  expect_magnitude<c10::BFloat16>(Fill::kStale, 3e-5, 0.04);
  expect_magnitude<float>(Fill::kStale, 3e-5, 0.04);
  expect_magnitude<c10::Half>(Fill::kStale, 0.5, 1.25);
  expect_magnitude<c10::Float8_e4m3fn>(Fill::kStale, 0, 448);
  const auto weights = values<float>(Fill::kStale);
  EXPECT_GT(std::set<double>(weights.begin(), weights.end()).size(), 5000u);
  double sum = 0;
  for (const double weight : weights) sum += weight;
  EXPECT_NEAR(sum / static_cast<double>(weights.size()), 0, 1e-3) << "signs must balance";
}

TEST(Fill, IsAPatternOfThePositionAloneAtEveryAddressAndLength) {
  for (const FillInfo& fill : fills()) {
    std::vector<std::byte> whole(200000);
    fill_bytes(whole.data(), whole.size(), fill.fill);
    uint16_t first = 0;
    std::memcpy(&first, whole.data(), sizeof first);
    EXPECT_EQ(first, fill.word) << fill.name;
    for (const size_t shift : {0u, 1u, 2u, 3u}) {
      for (const size_t bytes : {0u, 1u, 2u, 3u, 4u, 5u, 63u, 4097u, 65541u, 150001u}) {
        std::vector<std::byte> part(bytes + shift + 1, std::byte{0x5A});
        fill_bytes(part.data() + shift, bytes, fill.fill);
        ASSERT_EQ(std::memcmp(part.data() + shift, whole.data(), bytes), 0)
            << fill.name << " of " << bytes << " bytes at " << shift;
        ASSERT_EQ(part.back(), std::byte{0x5A}) << fill.name << " wrote past " << bytes;
      }
    }
  }
}

TEST(Fill, IsFoundByName) {
  for (const FillInfo& fill : fills()) {
    EXPECT_EQ(fill_named(fill.name), fill.fill);
    EXPECT_EQ(info(fill.fill).name, fill.name);
    EXPECT_NE(fill.word, kFreedWord);
  }
  EXPECT_EQ(fills().size(), kFillCount);
}

TEST(Fill, OfAnUnknownNameIsAnErrorWithTheNearestOne) {
  const auto fill = fill_named("zeroes");
  ASSERT_FALSE(fill.has_value());
  EXPECT_THAT(fill.error().message, HasSubstr("no fill \"zeroes\""));
  EXPECT_THAT(fill.error().message, HasSubstr("did you mean \"zeros\""));
  EXPECT_THAT(fill.error().message, HasSubstr("nan, nan7fff, zeros, tiny, huge, stale"));
  EXPECT_FALSE(fill_named("").has_value());
  EXPECT_FALSE(fill_named("NaN").has_value());
}

}  // namespace
}  // namespace loadproof::sim
