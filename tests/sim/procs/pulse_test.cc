// Signs of life: who gives them is not lost, who is gone or silent is.
#include "sim/procs/pulse.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/sim/procs/two_ends.h"

namespace loadproof::sim {
namespace {

using std::chrono::milliseconds;

// What is said of who is at the other end.
std::string said_of(Link first, milliseconds patience, milliseconds wait) {
  std::promise<std::string> said;
  std::future<std::string> told = said.get_future();
  const PulseWatcher watcher(std::move(first), patience,
                             [&](const std::string& why) { said.set_value(why); });
  return told.wait_for(wait) == std::future_status::ready ? told.get() : "";
}

TEST(Pulse, IsHeardOfWhoGivesIt) {
  auto [here, there] = two_ends();
  std::vector<Link> others;
  others.push_back(std::move(here));
  const PulseGiver giver(std::move(others), milliseconds(400));
  EXPECT_EQ(said_of(std::move(there), milliseconds(400), milliseconds(1200)), "");
}

TEST(Pulse, TellsForHowLongAnotherHasBeenSilent) {
  auto [here, there] = two_ends();
  auto [silent_here, silent_there] = two_ends();
  std::vector<Link> others;
  others.push_back(std::move(here));
  others.push_back(std::move(silent_here));
  const PulseGiver giver(std::move(others), milliseconds(400));
  EXPECT_EQ(said_of(std::move(there), milliseconds(400), milliseconds(600)), "");
  EXPECT_LT(giver.silence(1), milliseconds(300));
  EXPECT_GE(giver.silence(2), milliseconds(500));
  EXPECT_EQ(giver.silence(0), milliseconds(0));
}

TEST(Pulse, ADeadlineIsOverUnlessItIsGone) {
  std::promise<void> late;
  { const Deadline gone(milliseconds(50), [] { ADD_FAILURE(); }); }
  const Deadline over(milliseconds(50), [&] { late.set_value(); });
  EXPECT_EQ(late.get_future().wait_for(milliseconds(10'000)), std::future_status::ready);
}

TEST(Pulse, TellsWhoIsSilent) {
  auto [here, there] = two_ends();
  EXPECT_EQ(said_of(std::move(there), milliseconds(200), milliseconds(10'000)),
            "rank 0 is lost: has said nothing for 0.2 s");
}

TEST(Pulse, TellsWhoIsGone) {
  auto [here, there] = two_ends();
  { const Link gone = std::move(here); }
  EXPECT_EQ(said_of(std::move(there), milliseconds(60'000), milliseconds(20'000)),
            "rank 0 is lost: its process has ended");
}

}  // namespace
}  // namespace loadproof::sim
