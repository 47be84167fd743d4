#include "sim/backends/ring.h"

#include <fmt/format.h>

#include <bit>
#include <limits>

#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {
namespace {

// Values that do not add up exactly, of both signs, and with NaN, inf and zeros of both signs
// about.
at::Tensor awkward(int rank, int64_t count, at::ScalarType type) {
  at::Tensor tensor = full_of(count, 0, at::kFloat);
  float* data = tensor.mutable_data_ptr<float>();
  uint32_t state = 2463534242u + static_cast<uint32_t>(rank) * 977u;
  for (int64_t i = 0; i < count; ++i) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;  // xorshift32
    const uint32_t pick = state % 16;
    data[i] = static_cast<float>(static_cast<int32_t>(state)) * 1e-7F;
    if (pick == 0) data[i] = std::numeric_limits<float>::quiet_NaN();
    if (pick == 1) data[i] = -std::numeric_limits<float>::quiet_NaN();
    if (pick == 2) data[i] = 0.0F;
    if (pick == 3) data[i] = -0.0F;
    if (pick == 4) data[i] = std::numeric_limits<float>::infinity();
  }
  return tensor.to(type);
}

Transfer reduction_of(Reduction reduction, int ranks) {
  Transfer transfer = transfer_of(Collective::kAllReduce, first_ranks(ranks));
  transfer.reduction = reduction;
  return transfer;
}

std::vector<Transfer> all_reductions(int ranks) {
  std::vector<Transfer> transfers;
  for (Reduction reduction : {Reduction::kSum, Reduction::kMax, Reduction::kMin})
    for (at::ScalarType type : {at::kBFloat16, at::kHalf, at::kFloat, at::kDouble, at::kLong,
                                at::kInt, at::kChar, at::kByte, at::kBool})
      for (int64_t count : {1, 2, 3, 5, 16, 33, 200, 1000}) {
        Transfer& transfer = transfers.emplace_back(reduction_of(reduction, ranks));
        const auto make = c10::isFloatingType(type) ? awkward : values_of;
        for (Member& member : transfer.members) member.out = {make(member.rank, count, type)};
      }
  return transfers;
}

// The claim of ring.h: the bits of Gloo, whatever the values, the count of ranks and elements.
TEST(Ring, GivesTheBitsOfGloo) {
  for (int ranks = 2; ranks <= 8; ++ranks) {
    const std::vector<Transfer> real = all_reductions(ranks);
    const std::vector<Transfer> ours = all_reductions(ranks);
    ASSERT_TRUE(backend_of("gloo", ranks)->run(real));
    ASSERT_TRUE(backend_of("sim", ranks)->run(ours));
    for (size_t i = 0; i < real.size(); ++i) {
      const at::Tensor& tensor = real[i].members[0].out[0];
      ASSERT_EQ(everything(ours[i]), everything(real[i]))
          << fmt::format("{} of {} {} on {} ranks", name(real[i].reduction), tensor.numel(),
                         c10::toString(tensor.scalar_type()), ranks);
    }
  }
}

TEST(Ring, CutsLargeTensorsWhereGlooDoes) {
  const auto gloo = backend_of("gloo", 3);
  const auto sim = backend_of("sim", 3);
  Transfer real = reduction_of(Reduction::kSum, 3);
  Transfer ours = reduction_of(Reduction::kSum, 3);
  for (int rank = 0; rank < 3; ++rank) {
    real.members[static_cast<size_t>(rank)].out = {awkward(rank, 2'500'001, at::kFloat)};
    ours.members[static_cast<size_t>(rank)].out = {awkward(rank, 2'500'001, at::kFloat)};
  }
  ASSERT_TRUE(gloo->run({&real, 1}));
  ASSERT_TRUE(sim->run({&ours, 1}));
  EXPECT_EQ(everything(ours), everything(real));
}

// Recorded of the real library: "a max-reduced flag over Gloo drops a NaN that comes from the
// higher rank". A flag is one element, and its chunk ends at rank 0.
TEST(Ring, DropsTheNanOfTheHigherRankFromAMaximum) {
  for (const char* backend : {"gloo", "sim"})
    for (int with_nan : {0, 1}) {
      Transfer flag = reduction_of(Reduction::kMax, 2);
      for (int rank : {0, 1})
        flag.members[static_cast<size_t>(rank)].out = {full_of(
            1, rank == with_nan ? std::numeric_limits<double>::quiet_NaN() : 1.0, at::kFloat)};
      ASSERT_TRUE(backend_of(backend, 2)->run({&flag, 1}));
      for (const Member& member : flag.members) {
        const float seen = *member.out[0].const_data_ptr<float>();
        EXPECT_EQ(seen != seen, with_nan == 0) << backend << " rank " << member.rank;
      }
    }
}

// Two types of one width: each rank adds what arrives as its own type, and nobody notices.
TEST(Ring, ReducesEachRanksBytesAsItsOwnType) {
  std::vector<std::vector<std::vector<uint8_t>>> seen;
  for (const char* backend : {"gloo", "sim"}) {
    Transfer transfer = reduction_of(Reduction::kSum, 2);
    transfer.members[0].out = {values_of(0, 64, at::kBFloat16)};
    transfer.members[1].out = {values_of(1, 64, at::kHalf)};
    ASSERT_TRUE(backend_of(backend, 2)->run({&transfer, 1}));
    seen.push_back(everything(transfer));
  }
  EXPECT_EQ(seen[0], seen[1]);
}

}  // namespace
}  // namespace loadproof::sim
