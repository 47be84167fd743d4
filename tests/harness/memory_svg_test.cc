#include "harness/memory_svg.h"

#include <gmock/gmock.h>

#include "tests/harness/memories.h"
#include "tests/harness/well_formed.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Holder = PeakObservation::Holder;

Observation two_ranks() {
  MemorySample replaced = sample(kSync, kib(2, 3));
  replaced.most[Device::kCpu] = kib(6, 8);
  return holding({held({0}, {sample(kRead, kib(4)), replaced}),
                  held({1}, {sample(kHold, kib(0, 4)), sample(kSync, kib(2, 4))})},
                 {peak(Holder::kNode, 0, kib(8, 12), kSync, 1)});
}

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(WellFormed, TellsWhatIsNot) {
  EXPECT_EQ(WellFormed::check("<a b=\"1\"><c/>&lt;</a>\n"), "");
  for (const char* text :
       {"<a>", "<a></b>", "<a b=1/>", "<a>&x</a>", "<a b=\"<\"/>", "<a/><b/>", "x", "<a b=\"1/>"})
    EXPECT_NE(WellFormed::check(text), "") << text;
}

TEST(MemorySvg, DrawsAPanelForEachGroupOfRanks) {
  const MemoryView view = view_of(two_ranks());
  const std::string svg = memory_svg({{&view, nullptr}});
  EXPECT_EQ(WellFormed::check(svg), "");
  EXPECT_EQ(count(svg, "class=\"resident\" d="), 2u);
  EXPECT_EQ(count(svg, "class=\"reserved\" d=\"M90"), 2u);
  EXPECT_EQ(count(svg, "<circle class=\"peak\" cx=\""), 3u);  // with that of the legend
  EXPECT_THAT(svg, HasSubstr(">rank 0, host</text>"));
  EXPECT_THAT(svg, HasSubstr(">6 KiB at sync (broadcast, x.yaml:6)</text>"));
  EXPECT_THAT(svg, HasSubstr(">8 KiB of 12 KiB at sync (broadcast, x.yaml:6), rank 1</text>"));
  EXPECT_THAT(svg, HasSubstr(">node 0</text>"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"other\" d=\"M90")));
}

TEST(MemorySvg, DrawsTheStepsOfACurve) {
  const MemoryView view =
      view_of(holding({held({0}, {sample(kRead, kib(4)), sample(kSync, kib(2))})}));
  const std::string svg = memory_svg({{&view, nullptr}});
  // From 90 to 960, each of two places 435 wide.
  const size_t begin = svg.find("class=\"resident\" d=\"") + 20;
  const std::string path = svg.substr(begin, svg.find('"', begin) - begin);
  const std::string bottom = path.substr(path.rfind('V') + 1);
  EXPECT_TRUE(path.starts_with("M90 " + bottom.substr(0, bottom.size() - 1) + "H90.0V")) << path;
  EXPECT_THAT(path, HasSubstr("H525.0V"));
  EXPECT_THAT(path, HasSubstr("H960V"));
}

TEST(MemorySvg, DrawsAnotherLoaderDashedOverIt) {
  const MemoryView here = view_of(two_ranks());
  const MemoryView there = view_of(holding({held({0}, {sample(kRead, kib(16))})}), "other.yaml");
  const std::string svg = memory_svg({{&here, &there}});
  EXPECT_EQ(WellFormed::check(svg), "");
  EXPECT_EQ(count(svg, "class=\"other\" d=\"M90"), 1u);
  EXPECT_THAT(svg, HasSubstr("against other.yaml"));
  EXPECT_THAT(svg, HasSubstr("; other: 16 KiB at read@4"));
}

TEST(MemorySvg, EscapesWhateverNamesThereAre) {
  Observation seen = two_ranks();
  for (StepLabel& step : seen.steps) step = {"<i>&\"\x01\xff", "a<b", "x&.yaml", 1};
  seen.ranks = {rank(0, {})};
  stopped(seen.ranks[0], Outcome::kRaised, "a < b && \"c\"\n\x02");
  const MemoryView view = view_of(seen, "x<y>&\".yaml");
  EXPECT_EQ(WellFormed::check(memory_svg({{&view, &view}})), "");
}

TEST(MemorySvg, IsTheSameEachTimeAndOnePageForAllCases) {
  const MemoryView view = view_of(two_ranks());
  EXPECT_EQ(memory_svg({{&view, nullptr}}), memory_svg({{&view, nullptr}}));
  const std::string svg = memory_svg({{&view, nullptr}, {&view, nullptr}});
  EXPECT_EQ(count(svg, "<svg "), 1u);
  EXPECT_EQ(count(svg, "x.yaml/variant=a"), 2u);
  EXPECT_EQ(WellFormed::check(memory_svg({})), "");
}

TEST(MemorySvg, StaysSmallForManyRanksAndSteps) {
  std::vector<MemoryObservation> memory;
  for (int rank = 0; rank < 2000; ++rank)
    memory.push_back(held({rank}, {sample(kRead, {rank + 1, rank + 1})}));
  std::vector<MemorySample> turns;
  for (int turn = 0; turn < 100'000; ++turn) turns.push_back(sample(kSync, kib(turn % 7, 9)));
  memory.push_back(held({2000}, turns));
  const MemoryView view = view_of(holding(memory));
  const std::string svg = memory_svg({{&view, nullptr}});
  EXPECT_EQ(count(svg, "class=\"resident\" d="), kGroupsShown);
  EXPECT_LT(svg.size(), 100'000u);
}

}  // namespace
}  // namespace loadproof::harness::testing
