#include "sim/fenced/accelerator.h"

#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>

#include "sim/accelerators.h"
#include "sim/memory/ledger.h"
#include "sim/memory/poison.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using ::testing::HasSubstr;

class Fenced : public ::testing::Test {
 protected:
  void SetUp() override {
    install_poison_allocator();
    accelerator_ = *open_accelerator("fenced");
    accelerator_->set_fill(Fill::kNan);
    place_ = accelerator_->device_of(0);
    reset_ledger();
  }
  at::Tensor away(const at::Tensor& tensor) const { return tensor.to(place_); }

  const c10::InferenceMode inference_;
  Accelerator* accelerator_ = nullptr;
  at::Device place_ = at::Device(at::kCPU);
};

TEST_F(Fenced, IsADeviceOfTorchUnderItsName) { EXPECT_EQ(place_.str(), "fenced:0"); }

TEST_F(Fenced, HoldsTheFillInEmptyTensors) {
  for (const DType dtype : {DType::kBFloat16, DType::kFloat32, DType::kFloat16}) {
    const ElementCounts counts = count_elements(empty_tensor({33}, dtype, place_));
    EXPECT_EQ(counts.nan, 33) << name(dtype);
  }
}

TEST_F(Fenced, HoldsZerosInZerosLike) {
  const at::Tensor zeros = at::zeros_like(empty_tensor({33}, DType::kBFloat16, place_));
  EXPECT_EQ(zeros.device(), place_);
  EXPECT_EQ(count_elements(zeros).zero, 33);
}

TEST_F(Fenced, KillsTheProgramThatReadsItsMemoryAsTheHosts) {
  const at::Tensor tensor = empty_tensor({8}, DType::kFloat32, place_);
  const volatile float* data = tensor.const_data_ptr<float>();
  EXPECT_DEATH(static_cast<void>(data[0]), "");
}

TEST_F(Fenced, MovesBytesThereAndBackInEveryDType) {
  for (const DType dtype : kAllDTypes) {
    const at::Tensor here = at::arange(0, 100).to(scalar_type(dtype));
    EXPECT_TRUE(same_bytes(on_host(away(here)), here)) << name(dtype);
  }
}

TEST_F(Fenced, CopiesBetweenViewsAndTypes) {
  const at::Tensor here = at::arange(0, 24, at::kFloat).view({4, 6});
  const at::Tensor there = away(here);
  const at::Tensor transposed = there.t().narrow(0, 1, 3);
  EXPECT_TRUE(same_bytes(on_host(transposed.contiguous()), here.t().narrow(0, 1, 3).contiguous()));
  there.select(0, 2).copy_(at::arange(0, 6, at::kLong));
  EXPECT_TRUE(same_bytes(on_host(there.select(0, 2).contiguous()), at::arange(0, 6, at::kFloat)));
}

TEST_F(Fenced, ComputesWhatTheHostComputes) {
  const at::Tensor x = at::rand({5, 16}), w = at::rand({7, 16});
  EXPECT_TRUE(same_bytes(on_host(at::linear(away(x), away(w))), at::linear(x, w)));
  EXPECT_TRUE(same_bytes(on_host(at::softmax(away(x), -1)), at::softmax(x, -1)));
  EXPECT_TRUE(same_bytes(on_host(at::cat({away(x), away(w)}, 0)), at::cat({x, w}, 0)));
  EXPECT_TRUE(same_bytes(on_host(std::get<1>(at::topk(away(x), 3))), std::get<1>(at::topk(x, 3))));
  const at::Tensor rows = at::arange(0, 5, 2);
  EXPECT_TRUE(same_bytes(on_host(at::index_select(away(x), 0, away(rows))),
                         at::index_select(x, 0, rows)));
  const at::Tensor y = away(x);
  y.add_(1).mul_(2);
  EXPECT_TRUE(same_bytes(on_host(y), x.add(1).mul(2)));
  EXPECT_EQ(away(x).sum().item<float>(), x.sum().item<float>());
}

TEST_F(Fenced, DrawsWhatTheHostDraws) {
  const at::Tensor probabilities = at::softmax(at::rand({3, 50}), -1);
  const at::Tensor there = away(probabilities);
  EXPECT_TRUE(same_bytes(on_host(at::multinomial(there, 1, false, generator_for(there, 5))),
                         at::multinomial(probabilities, 1, false, new_generator(5))));
}

TEST_F(Fenced, TellsTheFirstByteThatDiffers) {
  const at::Tensor a = away(at::arange(0, 100)), b = a.clone();
  EXPECT_EQ(accelerator_->first_difference(a, b), std::nullopt);
  b.narrow(0, 60, 1).fill_(7);
  EXPECT_EQ(accelerator_->first_difference(a, b), 60 * 8);
}

TEST_F(Fenced, DigestsAsTheHostDoes) {
  constexpr size_t kLarge = kDigestTreeFrom / 8;
  for (const size_t elements : {size_t{0}, size_t{7}, kLarge - 1, kLarge, kLarge + 700}) {
    const at::Tensor here = at::arange(static_cast<int64_t>(elements)), there = away(here);
    const uint64_t expected = digest(here.const_data_ptr(), elements * 8, 3);
    EXPECT_EQ(digest_of(here, 3), expected) << elements;
    EXPECT_EQ(digest_of(there, 3), expected) << elements;
    EXPECT_EQ(digests_in_place(there), elements >= kLarge) << elements;
    EXPECT_FALSE(digests_in_place(here)) << elements;
  }
}

TEST_F(Fenced, DigestsWhatIsLargeWithoutAHostsCopy) {
  const at::Tensor there = away(at::arange(1 << 20));
  reset_ledger();
  const RankScope scope(1);
  digest_of(there, 3);
  EXPECT_EQ(read_ledger(1).reserved_peak, 0);
  on_host(there);
  EXPECT_EQ(read_ledger(1).reserved_peak, 8 << 20);
}

TEST_F(Fenced, ChargesTheRankThatWorks) {
  {
    const RankScope scope(3, 17);
    const at::Tensor one = empty_tensor({1000}, DType::kUint8, place_);
    const at::Tensor two = empty_tensor({24}, DType::kUint8, place_);
    EXPECT_EQ(read_ledger(3, Device::kCuda).reserved, 1024);
    EXPECT_EQ(read_ledger(3, Device::kCuda).peak_step, 17);
    EXPECT_EQ(read_ledger(3).reserved, 0);
  }
  EXPECT_EQ(read_ledger(3, Device::kCuda).reserved, 0);
  EXPECT_EQ(read_ledger(3, Device::kCuda).reserved_peak, 1024);
}

TEST_F(Fenced, RefusesWhatARanksLimitDoesNotAllow) {
  limit_rank(2, 100, Device::kCuda);
  const RankScope scope(2);
  const at::Tensor fits = empty_tensor({100}, DType::kUint8, place_);
  try {
    empty_tensor({1}, DType::kUint8, place_);
    FAIL() << "it was given";
  } catch (const c10::OutOfMemoryError& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 2 asked for 1 bytes of its device"));
  }
}

TEST_F(Fenced, BringsAModelsTensorsTogether) {
  std::vector<at::Tensor> tensors = {at::arange(3), away(at::arange(4)),
                                     meta_tensor({5}, DType::kFloat32)};
  bring_together(tensors);
  EXPECT_EQ(tensors[0].device(), place_);
  EXPECT_TRUE(tensors[2].is_meta());
}

TEST(Accelerators, NameThoseThatThereAre) {
  const Result<Accelerator*> none = open_accelerator("gpu");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no device is named \"gpu\"; there are cpu, cuda"));
  EXPECT_EQ(*open_accelerator("cpu"), nullptr);
}

}  // namespace
}  // namespace loadproof::sim
