#include "harness/memory_table.h"

#include <gmock/gmock.h>

#include <numeric>

#include "harness/words.h"
#include "tests/harness/memories.h"
#include "tests/harness/run_text.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Holder = PeakObservation::Holder;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

void expect_tidy(const std::string& text) {
  for (const std::string& line : lines_of(text)) {
    EXPECT_LE(characters_of(line), 100u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
  EXPECT_TRUE(text.ends_with("\n") && !text.ends_with("\n\n"));
}

Observation two_ranks() {
  MemorySample first = sample(kRead, kib(4));
  first.committed = 5 * kKiB;
  MemorySample replaced = sample(kSync, kib(2, 3));
  replaced.most[Device::kCpu] = kib(6, 7);
  return holding(
      {held({0}, {first, replaced},
            {stands("w.0", kib(2)), stands("w.1", kib(2)), stands("w.1", kib(2), false),
             stands("scratch", kib(0, 1))}),
       held({1}, {sample(kHold, kib(0, 4)), sample(kSync, kib(2, 4))}, {stands("w.0", kib(2, 4))})},
      {peak(Holder::kNode, 0, kib(8, 11), kSync, 1)});
}

TEST(MemoryTable, ShowsStepsTensorsAndPeaks) {
  const std::string text = memory_table(view_of(two_ranks()));
  EXPECT_EQ(text, R"(x.yaml/variant=a

rank 0, host                    resident    reserved most within   committed
  read@4 (read, x.yaml:4)          4 KiB       4 KiB       4 KiB       5 KiB
  sync (broadcast, x.yaml:6)       2 KiB       3 KiB       6 KiB             peak
  at the peak 4 tensors stand:
    4 KiB  w.{0, 1}  2 × 2 KiB
    2 KiB  w.1       no longer needed
      0 B  scratch   0 B of 1 KiB
    no longer needed: 2 KiB in 1 tensor

rank 1, host                    resident    reserved most within   committed
  hold (alloc, x.yaml:5)             0 B       4 KiB         0 B
  sync (broadcast, x.yaml:6)       2 KiB       4 KiB       2 KiB             peak
  at the peak 1 tensor stands:
    2 KiB  w.0  2 KiB of 4 KiB

peaks       resident    reserved
  node 0       8 KiB      11 KiB  sync (broadcast, x.yaml:6), rank 1
)");
  expect_tidy(text);
}

TEST(MemoryTable, LeavesOutTheKernelsCountWhereNobodyAsked) {
  const std::string text =
      memory_table(view_of(holding({held({0}, {sample(kRead, kib(4))}, {stands("w", kib(4))})})));
  EXPECT_EQ(text, R"(x.yaml/variant=a

rank 0, host                 resident    reserved most within
  read@4 (read, x.yaml:4)       4 KiB       4 KiB       4 KiB peak
  at the peak 1 tensor stands:
    4 KiB  w
)");
}

TEST(MemoryTable, ShowsDevicesBesideTheHost) {
  MemorySample moved = sample(kSync, kib(1), Device::kCuda);
  const std::string text = memory_table(view_of(holding(
      {held({0}, {sample(kRead, kib(4)), moved})}, {peak(Holder::kDevice, 0, kib(1), kSync, 0)})));
  EXPECT_THAT(text, HasSubstr("rank 0, host"));
  EXPECT_THAT(text, HasSubstr("rank 0, cuda"));
  EXPECT_THAT(text, HasSubstr("device 0"));
}

TEST(MemoryTable, ShowsThatRanksHoldNothing) {
  EXPECT_EQ(memory_table(view_of(holding({held({0}, {}), held({1}, {})}))),
            "x.yaml/variant=a\n\nranks 0, 1 hold nothing\n");
}

TEST(MemoryTable, TellsHowRanksEndedInLinesThatFit) {
  Observation seen = two_ranks();
  seen.ranks = {rank(0, {}), rank(1, {})};
  std::string error;
  for (int i = 0; i < 40; ++i) error += "word\n";
  stopped(seen.ranks[1], Outcome::kRaised, error);
  const std::string text = memory_table(view_of(seen));
  EXPECT_THAT(text, HasSubstr("\n  rank 1 raised at step sync (broadcast, x.yaml:6): word word"));
  EXPECT_THAT(text, HasSubstr("\n    word"));
  expect_tidy(text);
}

TEST(MemoryTable, HasColoursForATerminalAlone) {
  EXPECT_THAT(memory_table(view_of(two_ranks()), true), HasSubstr("\x1b[33m"));
  EXPECT_THAT(memory_table(view_of(two_ranks())), Not(HasSubstr("\x1b")));
}

TEST(MemoryTable, SumsUpWhatIsBeyondTenLines) {
  std::vector<Standing> standing;
  for (char name = 'a'; name < 'a' + 13; ++name)
    standing.push_back(stands(std::string(1, name), kib(1), name != 'm'));
  EXPECT_THAT(memory_table(view_of(holding({held({0}, {sample(kRead, kib(13))}, standing)}))),
              HasSubstr("    1 KiB  j\n    and 3 more, 3 KiB\n"
                        "    no longer needed: 1 KiB in 1 tensor\n"));
}

// As a dry run of a large world has it.
TEST(MemoryTable, StaysShortForAWorldOfManyRanks) {
  constexpr int64_t kGiB = int64_t{1} << 30;
  std::vector<int> ranks(16383);
  std::iota(ranks.begin(), ranks.end(), 1);
  std::vector<Standing> standing;
  for (int layer = 0; layer < 126; ++layer)
    for (const char* part : {"gate_proj", "up_proj", "down_proj", "q_proj", "k_proj", "v_proj",
                             "o_proj", "input_layernorm", "post_attention_layernorm"})
      standing.push_back(
          stands("model.layers." + std::to_string(layer) + ".mlp." + part + ".weight",
                 {kGiB * 3 / 2, 2 * kGiB}, layer != 3));
  std::vector<PeakObservation> peaks;
  for (int node = 0; node < 2048; ++node)
    peaks.push_back(
        peak(Holder::kNode, node, {(node == 0 ? 9 : 8) * kGiB, 9 * kGiB}, kSync, node * 8 + 7));
  const MemoryUse all{1134 * kGiB * 3 / 2, 1134 * 2 * kGiB};
  const std::string text = memory_table(view_of(holding(
      {held({0}, {sample(kRead, all)}, standing), held(ranks, {sample(kHold, all)}, standing)},
      peaks)));
  EXPECT_THAT(text, HasSubstr("ranks 1..16383, host"));
  EXPECT_THAT(text, HasSubstr("model.layers.{0..2, 4..125}.mlp.gate_proj.weight"));
  EXPECT_THAT(text, HasSubstr("125 × 1.5 GiB of 2 GiB"));
  EXPECT_THAT(text, HasSubstr("no longer needed: 13.5 GiB of 18 GiB in 9 tensors"));
  EXPECT_THAT(text, HasSubstr("  nodes 1..2047       8 GiB       9 GiB  sync (broadcast, x.yaml:6),"
                              " ranks 15, 23 and 2045 more\n"));
  EXPECT_LT(lines_of(text).size(), 50u);
  expect_tidy(text);
}

TEST(MemoryTable, ShowsTheHighestOfManyGroups) {
  std::vector<MemoryObservation> memory;
  for (int rank = 0; rank < 16384; ++rank)
    memory.push_back(held({rank}, {sample(kRead, {rank + 1, rank + 1})}));
  const std::string text = memory_table(view_of(holding(memory)));
  EXPECT_THAT(text, HasSubstr("rank 16383, host"));
  EXPECT_THAT(text, HasSubstr("\nand 16376 ranks more, which hold otherwise, each at most"));
  EXPECT_LT(lines_of(text).size(), 50u);
}

TEST(MemoryTable, FitsWhateverNamesThereAre) {
  Observation seen = two_ranks();
  for (StepLabel& step : seen.steps)
    step = {std::string(60, 'i'), "broadcast", std::string(80, 'f') + ".yaml", 4711};
  seen.memory[0].peaks[Device::kCpu].standing[2].tensor = std::string(200, 'w');
  expect_tidy(memory_table(view_of(seen)));
}

// An `each` in a world that is run: its turns are one row a step.
TEST(MemoryTable, ShowsTheTurnsOfALoopOnce) {
  const CaseResult result = run_text(R"(world: {ranks: 2}
budget: {rank_resident: 1 GiB}
tensors:
  w.{0..3}: {shape: [256], from: file}
steps:
  - each:
      of: w.*
      do:
        - alloc:     {id: hold, of: it, as: empty}
        - read:      {id: load, of: it, ranks: 0}
        - broadcast: {id: sync, of: it, src: 0}
)");
  const std::string text = memory_table(view_of(result.observation));
  EXPECT_EQ(text, R"(x.yaml/variant=a

rank 0, host                              resident    reserved most within
  hold (alloc, x.yaml:10), 4 turns           3 KiB       4 KiB       3 KiB
  load (read, x.yaml:11), 4 turns            4 KiB       4 KiB       4 KiB peak
  at the peak 5 tensors stand:
    4 KiB  w.{0..3}  4 × 1 KiB
      0 B  w.3       0 B of 1 KiB  no longer needed
    no longer needed: 0 B of 1 KiB in 1 tensor

rank 1, host                              resident    reserved most within
  hold (alloc, x.yaml:10), 4 turns           3 KiB       4 KiB       3 KiB
  sync (broadcast, x.yaml:12), 4 turns       4 KiB       4 KiB       4 KiB peak
  at the peak 4 tensors stand:
    4 KiB  w.{0..3}  4 × 1 KiB

peaks       resident    reserved
  node 0       8 KiB       9 KiB  sync (broadcast, x.yaml:12), rank 1

traffic of all ranks                   bytes     slowest  at
  read from files                      4 KiB    0.819 us  5 GB/s a node
  host memory first written            8 KiB     0.41 us  20 GB/s a node
  between ranks of a node              4 KiB   0.0137 us  300 GB/s a rank
  node 0 reads 4 KiB in 4 reads
  from the first step to the last, by these speeds: about 1.24 us
)");
}

}  // namespace
}  // namespace loadproof::harness::testing
