// What a node can hold at once, whichever of its ranks happens to run first.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

// Each rank reads `big`, 1 KiB, and gives it back.
const std::string kNodes = R"(world: {nodes: 2, ranks_per_node: 2}
budget: {node_resident: 1 B, rank_resident: 1 B}
tensors:
  big: {shape: [256], kind: scratch}
  w:   {shape: [256], from: file}
steps:
)";

// KiB of ranks, then of nodes.
std::vector<int64_t> peaks(const std::string& steps) {
  std::vector<int64_t> found;
  for (const PeakObservation& peak : run_text(kNodes + steps).observation.peaks)
    if (peak.holder != PeakObservation::Holder::kDevice) found.push_back(peak.resident / 1024);
  return found;
}

const std::string kStage = "  - read: {of: big, key: w}\n  - alloc: {of: big, as: meta}\n";

std::string stage_on(const std::string& ranks) {
  return "  - read: {of: big, key: w, ranks: " + ranks +
         "}\n  - alloc: {of: big, as: meta, ranks: " + ranks + "}\n";
}

TEST(NodePeak, IsTheSumOfWhatItsRanksMayHoldAtOnce) {
  EXPECT_EQ(peaks(kStage), (std::vector<int64_t>{1, 1, 1, 1, 2, 2}));
  EXPECT_EQ(peaks(kStage + kStage), (std::vector<int64_t>{1, 1, 1, 1, 2, 2}));
}

TEST(NodePeak, EndsWhereRanksMeet) {
  EXPECT_EQ(peaks(stage_on("local 0") + "  - barrier: {}\n" + stage_on("local 1")),
            (std::vector<int64_t>{1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(peaks(stage_on("local 0") + stage_on("local 1")),
            (std::vector<int64_t>{1, 1, 1, 1, 2, 2}));
}

TEST(NodePeak, KeepsWhatARankStillHolds) {
  EXPECT_EQ(peaks("  - read: {of: w, ranks: local 0}\n  - barrier: {}\n" + stage_on("local 1")),
            (std::vector<int64_t>{1, 1, 1, 1, 2, 2}));
}

TEST(NodePeak, IsNotEndedByMeetingOneself) {
  const std::string text = R"(world: {nodes: 1, ranks_per_node: 2, mesh: {dp: 2, tp: 1}}
budget: {node_resident: 1 KiB}
tensors:
  big: {shape: [256], kind: scratch}
  w:   {shape: [256], from: file, kind: scratch}
steps:
)" + stage_on("0") + "  - barrier: {group: tp}\n" +
                           stage_on("1");
  EXPECT_EQ(run_text(text).observation.peaks.at(2).resident, 2048);
}

}  // namespace
}  // namespace loadproof::harness
