#include "sim/models/sampling_guard.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <limits>

namespace loadproof::sim {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::string error_of_the_real_operation(const at::Tensor& probabilities) {
  try {
    at::multinomial(probabilities, 1);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "";
}

struct Bad {
  std::vector<float> values;
  GuardKind kind;
  int64_t count, first;
};

TEST(SamplingGuard, SaysWhatTheRealOperationSays) {
  const Bad cases[] = {
      {{0.5f, kNan, 0.1f, kNan}, GuardKind::kNan, 2, 1},
      {{0.5f, 0.1f, kInf}, GuardKind::kInf, 1, 2},
      {{0.5f, -0.1f, 0.2f}, GuardKind::kNegative, 1, 1},
      {{0, 0, 0}, GuardKind::kZeroSum, 1, 0},
      {{-kInf, 1, kNan}, GuardKind::kNan, 1, 2},
      {{kNan, kNan}, GuardKind::kNan, 2, 0},
  };
  for (const Bad& bad : cases) {
    const at::Tensor probabilities = at::tensor(bad.values);
    const std::optional<GuardFinding> finding = inspect_probabilities(probabilities);
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->kind, bad.kind) << name(finding->kind);
    EXPECT_EQ(finding->count, bad.count);
    EXPECT_EQ(finding->first_index, bad.first);
    EXPECT_EQ(finding->message, error_of_the_real_operation(probabilities));
  }
}

TEST(SamplingGuard, LooksAtEveryRow) {
  const at::Tensor rows = at::tensor({0.5f, 0.5f, 0.0f, 0.0f, 1.0f, 0.0f}).view({3, 2});
  const std::optional<GuardFinding> finding = inspect_probabilities(rows);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, GuardKind::kZeroSum);
  EXPECT_EQ(finding->first_index, 1);
  EXPECT_EQ(finding->message, error_of_the_real_operation(rows));
}

TEST(SamplingGuard, LetsPassWhatTheRealOperationDraws) {
  const at::Tensor probabilities = at::tensor({0.25f, 0.0f, 0.5f, 0.25f});
  EXPECT_EQ(inspect_probabilities(probabilities), std::nullopt);
  const at::Generator ours = at::make_generator<at::CPUGeneratorImpl>(7);
  const at::Generator theirs = at::make_generator<at::CPUGeneratorImpl>(7);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(draw(probabilities, ours).item<int64_t>(),
              at::multinomial(probabilities, 1, false, theirs).item<int64_t>());
}

}  // namespace
}  // namespace loadproof::sim
