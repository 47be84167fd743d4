#include "harness/svg_curve.h"

#include <gmock/gmock.h>

#include "tests/harness/memories.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr Plot kPlot{.left = 0, .right = 100, .top = 0, .bottom = 100, .most = 8 * kKiB};

TEST(SvgCurve, HasTheMostWithinAStepAndThenWhatIsAfterIt) {
  MemorySample replaced = sample(kSync, kib(2));
  replaced.most[Device::kCpu] = kib(8);
  const Curve curve = curve_of(held({0}, {sample(kRead, kib(4)), replaced}), Device::kCpu);
  EXPECT_EQ(curve.peak, 1u);
  EXPECT_EQ(curve.most, 8 * kKiB);
  EXPECT_EQ(line_path(curve, kPlot, &MemoryUse::resident),
            "M0 100H0.0V50.0H50.0V0.0H75.0V75.0H100");
  EXPECT_EQ(area_path(curve, kPlot), "M0 100H0.0V50.0H50.0V0.0H75.0V75.0H100V100Z");
}

TEST(SvgCurve, PutsManyTurnsInOnePlace) {
  std::vector<MemorySample> turns;
  for (int turn = 0; turn < 2500; ++turn)
    turns.push_back(sample(kSync, kib(turn == 1201 ? 99 : turn % 2 + 1)));
  const Curve curve = curve_of(held({0}, turns), Device::kCpu);
  EXPECT_THAT(curve.places, SizeIs(834));
  EXPECT_EQ(curve.peak, 400u);
  EXPECT_EQ(curve.places[400].most.resident, 99 * kKiB);
  EXPECT_EQ(curve.places[400].after.resident, kKiB);
}

TEST(SvgCurve, HasTheTicksThatAreReadEasily) {
  EXPECT_THAT(ticks_of(5 * kKiB), ElementsAre(0, 2 * kKiB, 4 * kKiB));
  EXPECT_THAT(ticks_of(8 * kKiB), ElementsAre(0, 4 * kKiB, 8 * kKiB));
  EXPECT_THAT(ticks_of(1), ElementsAre(0, 1));
}

TEST(SvgCurve, LabelsStepsOnceAndNotOverEachOther) {
  std::vector<MemorySample> turns;
  for (int turn = 0; turn < 50; ++turn) {
    turns.push_back(sample(kHold, kib(2)));
    turns.push_back(sample(kSync, kib(3)));
  }
  const MemoryView view = view_of(holding({held({0}, turns)}));
  std::vector<std::string> told;
  for (const AxisLabel& label : axis_labels(curve_of(view.groups[0], Device::kCpu), kPlot, view))
    told.push_back(label.text);
  EXPECT_THAT(told, ElementsAre("hold", "sync"));
}

}  // namespace
}  // namespace loadproof::harness::testing
