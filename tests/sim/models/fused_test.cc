#include "sim/models/fused.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rsqrt.h>
#include <gtest/gtest.h>

#include <cmath>

namespace loadproof::sim {
namespace {

constexpr at::ScalarType kDTypes[] = {at::kFloat, at::kBFloat16, at::kHalf};

at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype) {
  static at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(3);
  return at::randn(shape, generator, at::kFloat).to(dtype);
}

// Sums may be added up in another order: float32 may differ in its last bits, and a half-precision
// result in one rounding where the sum lies on the edge.
void expect_near(const at::Tensor& have, const at::Tensor& want) {
  ASSERT_TRUE(have.defined());
  ASSERT_EQ(have.sizes(), want.sizes());
  ASSERT_EQ(have.scalar_type(), want.scalar_type());
  const double step = have.scalar_type() == at::kFloat      ? 1e-6
                      : have.scalar_type() == at::kBFloat16 ? 1.0 / 128
                                                            : 1.0 / 1024;
  const at::Tensor far = have.to(at::kDouble).sub(want.to(at::kDouble)).abs();
  const at::Tensor limit = want.to(at::kDouble).abs().add(1e-3).mul(step);
  EXPECT_TRUE(far.le(limit).all().item<bool>());
  EXPECT_GT(have.eq(want).sum().item<int64_t>(), have.numel() * 9 / 10 * (step > 1e-5 ? 1 : 0));
}

at::Tensor norm_chain(const at::Tensor& x, const at::Tensor& weight, bool one_plus) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor mean = at::mean(at::pow(wide, 2), at::IntArrayRef{-1}, true);
  const at::Tensor normed = at::mul(wide, at::rsqrt(at::add(mean, 1e-6)));
  if (one_plus) return at::mul(normed, at::add(weight.to(at::kFloat), 1.0)).to(x.scalar_type());
  return at::mul(weight, normed.to(x.scalar_type()));
}

TEST(Fused, NormIsWhatTheChainOfOperationsComputes) {
  for (at::ScalarType dtype : kDTypes)
    for (int64_t size : {1, 7, 8, 32, 100})
      for (bool one_plus : {false, true}) {
        const at::Tensor x = random({2, 3, size}, dtype), weight = random({size}, dtype);
        expect_near(fused_rms_norm(x, weight, 1e-6, one_plus), norm_chain(x, weight, one_plus));
        const at::Tensor turned = random({2, 5, 3, size}, dtype).transpose(1, 2);
        expect_near(fused_rms_norm(turned, weight, 1e-6, one_plus),
                    norm_chain(turned, weight, one_plus));
      }
}

TEST(Fused, RotationIsWhatTheChainOfOperationsComputesToTheLastBit) {
  for (at::ScalarType dtype : kDTypes)
    for (int64_t turns : {1, 2}) {
      const at::Tensor x = random({2, 5, 3, 8}, dtype).transpose(1, 2);
      const at::Tensor cos = random({turns, 1, 5, 8}, dtype), sin = random({turns, 1, 5, 8}, dtype);
      const at::Tensor turned = at::cat({at::neg(x.narrow(-1, 4, 4)), x.narrow(-1, 0, 4)}, -1);
      const at::Tensor want = at::add(at::mul(x, cos), at::mul(turned, sin));
      EXPECT_TRUE(at::equal(fused_rotate(x, cos, sin), want));
    }
}

TEST(Fused, LinearIsAtensToOneRounding) {
  for (int64_t rows : {1, 4})
    for (int64_t in : {5, 32, 100})
      for (bool with_bias : {false, true}) {
        const at::Tensor x = random({1, rows, in}, at::kBFloat16);
        const at::Tensor weight = random({48, in}, at::kBFloat16);
        const std::optional<at::Tensor> bias =
            with_bias ? std::optional(random({48}, at::kBFloat16)) : std::nullopt;
        expect_near(fused_linear(x, weight, bias), at::linear(x, weight, bias));
      }
}

TEST(Fused, NanComesThrough) {
  const at::Tensor weight = random({4, 16}, at::kBFloat16);
  at::Tensor x = random({1, 1, 16}, at::kBFloat16);
  x.select(-1, 9).fill_(std::nan(""));
  EXPECT_TRUE(fused_linear(x, weight, std::nullopt).isnan().all().item<bool>());
  EXPECT_TRUE(
      fused_rms_norm(x, random({16}, at::kBFloat16), 1e-6, false).isnan().all().item<bool>());
  weight[2].fill_(std::nan(""));
  const at::Tensor one = fused_linear(random({1, 1, 16}, at::kBFloat16), weight, std::nullopt);
  EXPECT_EQ(one.isnan().sum().item<int64_t>(), 1);
}

TEST(Fused, StandsBackFromWhatItDoesNotKnow) {
  const at::Tensor x = random({1, 1, 16}, at::kBFloat16), weight = random({4, 16}, at::kBFloat16);
  EXPECT_FALSE(fused_linear(x.to(at::kFloat), weight.to(at::kFloat), std::nullopt).defined());
  EXPECT_FALSE(fused_linear(x, weight.to(at::kMeta), std::nullopt).defined());
  EXPECT_FALSE(fused_linear(x, weight.narrow(1, 0, 8), std::nullopt).defined());
  EXPECT_FALSE(fused_linear(x, random({8192, 16}, at::kBFloat16), std::nullopt).defined());
  EXPECT_FALSE(fused_rms_norm(x, random({7}, at::kBFloat16), 1e-6, false).defined());
  EXPECT_FALSE(fused_rms_norm(x.to(at::kMeta), random({16}, at::kBFloat16), 1e-6, false).defined());
  EXPECT_FALSE(fused_rotate(x, x, x).defined());
}

}  // namespace
}  // namespace loadproof::sim
