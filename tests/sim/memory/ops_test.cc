// What torch's own operations allocate comes from us and is poisoned: results, temporaries, and
// parts that no kernel writes.

#include <ATen/core/Tensor.h>
#include <ATen/ops/_ctc_loss.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sim/memory/poison.h"
#include "sim/memory/scan.h"

namespace loadproof::sim {
namespace {

bool is_ours(const at::Tensor& tensor) {
  return tensor.storage().data_ptr().get_deleter() == c10::GetCPUAllocator()->raw_deleter();
}

struct Operation {
  const char* name;
  int64_t allocations_least;  // result and temporaries
  std::function<at::Tensor(const at::Tensor& square)> run;
};

class Operations : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    install_poison_allocator();
    set_fill(Fill::kNan);
    reset_ledger();
  }
};

TEST_P(Operations, TakeResultsAndTemporariesFromUs) {
  const c10::InferenceMode no_gradients;
  const at::Tensor square = at::ones({32, 32}, GetParam());
  const at::Tensor heads = at::ones({1, 2, 16, 16}, GetParam());
  const Operation operations[] = {
      {"mm", 1, [](const at::Tensor& x) { return at::mm(x, x); }},
      {"linear", 1, [](const at::Tensor& x) { return at::linear(x, x); }},
      {"softmax", 1, [](const at::Tensor& x) { return at::_softmax(x, -1, false); }},
      {"layer_norm", 3, [](const at::Tensor& x) { return at::layer_norm(x, {32}); }},
      {"rms_norm", 2, [](const at::Tensor& x) { return at::rms_norm(x, {32}); }},
      {"attention", 2,
       [&](const at::Tensor&) { return at::scaled_dot_product_attention(heads, heads, heads); }},
      {"topk", 2, [](const at::Tensor& x) { return std::get<0>(at::topk(x, 3)); }},
      {"sort", 2, [](const at::Tensor& x) { return std::get<0>(at::sort(x)); }},
  };
  int rank = 0;
  for (const Operation& operation : operations) {
    const RankScope scope(rank);
    const at::Tensor result = operation.run(square);
    EXPECT_TRUE(is_ours(result)) << operation.name;
    EXPECT_GE(read_ledger(rank).allocations, operation.allocations_least) << operation.name;
    EXPECT_FALSE(result.isnan().any().item<bool>()) << operation.name << " leaves poison";
    ++rank;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryType, Operations,
                         testing::Values(at::kFloat, at::kBFloat16, at::kHalf),
                         [](const auto& test) { return std::string(toString(test.param)); });

// gather is a structured operation: its meta function allocates the output, then its kernel meets
// the bad index and throws. What is left is the output as it was before the kernel wrote.
TEST(StructuredOutputs, ArePoisonedBeforeTheKernelWrites) {
  install_poison_allocator();
  set_fill(Fill::kNan);
  const at::Tensor source = at::ones({4}, at::kFloat);
  const at::Tensor index = at::full({64}, 99, at::kLong);
  at::Tensor out = at::empty({0}, at::kFloat);
  EXPECT_THROW(at::gather_out(out, source, 0, index), c10::Error);
  ASSERT_EQ(out.numel(), 64);
  EXPECT_EQ(count_nan(out.data_ptr(), 64, DType::kFloat32), 64);
}

// The CTC loss keeps a score for every time step of every sequence and writes those of the steps
// that a sequence has: the rest of its second result is memory that nobody wrote.
TEST(PartsOfResultsThatNobodyWrites, ShowTheFill) {
  install_poison_allocator();
  constexpr int64_t kSteps = 9, kWritten = 5, kStates = 2 * 2 + 1;
  for (const FillInfo& row : fills()) {
    set_fill(row.fill);
    const at::Tensor scores = at::full({kSteps, 1, 4}, -1.5, at::kFloat);
    const at::Tensor targets = at::ones({1, 2}, at::kLong);
    const at::Tensor alpha = std::get<1>(at::_ctc_loss(scores, targets, {kWritten}, {2}));
    ASSERT_EQ(alpha.sizes(), (std::vector<int64_t>{1, kSteps, kStates}));
    std::vector<float> expected(kSteps * kStates);
    fill_bytes(expected.data(), expected.size() * sizeof(float), row.fill);
    EXPECT_EQ(first_difference(alpha.data_ptr<float>() + kWritten * kStates,
                               expected.data() + kWritten * kStates,
                               (kSteps - kWritten) * kStates * 4),
              std::nullopt)
        << row.name;
    EXPECT_NE(first_difference(alpha.data_ptr(), expected.data(), kWritten * kStates * 4),
              std::nullopt)
        << row.name;
  }
  set_fill(Fill::kNan);
}

}  // namespace
}  // namespace loadproof::sim
