// What the rendezvous spares us: what real Gloo does where a root sends more than a receiver holds.
#include <gtest/gtest.h>

#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {
namespace {

void broadcast_of_eight_into_four() {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::vector<std::thread> ranks;
  for (int rank : {0, 1})
    ranks.emplace_back([&store, rank] {
      auto options = c10d::ProcessGroupGloo::Options::create(std::chrono::seconds(2));
      options->devices = {c10d::ProcessGroupGloo::createDeviceForInterface("lo", true)};
      c10d::ProcessGroupGloo gloo(store, rank, 2, options);
      std::vector<at::Tensor> tensors{full_of(rank == 0 ? 8 : 4, rank, at::kFloat)};
      gloo.broadcast(tensors)->wait();
    });
  for (std::thread& rank : ranks) rank.join();
}

TEST(GlooRealityDeath, AbortsTheProcessOfAReceiverThatHoldsTooLittle) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(broadcast_of_eight_into_four(), ::testing::KilledBySignal(SIGABRT),
              "Received data size doesn't match expected size");
}

}  // namespace
}  // namespace loadproof::sim
