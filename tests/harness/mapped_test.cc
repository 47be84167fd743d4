// Tensors that are views of a file's own pages.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

// Of 16 MiB each, which the ledger asks the kernel about.
const std::string kTensors = R"(world: {ranks: 2}
budget: {rank_resident: 1 GiB}
tensors:
  w: {shape: [4096, 1024], from: file}
  v: {shape: [4096, 1024], from: file}
steps:
)";

// Of rank 0 after each step that changed it.
std::vector<int64_t> resident(const CaseResult& result) {
  std::vector<int64_t> held;
  for (const MemorySample& sample : result.observation.memory.at(0).samples)
    held.push_back(sample.after[Device::kCpu].resident);
  return held;
}

TEST(Mapped, HoldsTheFilesBytesAndCostsNothing) {
  const CaseResult result = run_text(kTensors + "  - read: {of: all, place: mapped}\n");
  EXPECT_TRUE(result.surprises.empty()) << result.surprises[0];  // they equal the file
  EXPECT_EQ(resident(result), std::vector<int64_t>{0});
  EXPECT_EQ(result.observation.memory[0].samples[0].after[Device::kCpu].reserved, 32 << 20);
}

TEST(Mapped, BecomesTheRanksOwnWhereItIsWritten) {
  const CaseResult result = run_text(kTensors + R"(  - read: {of: all, place: mapped}
  - fill: {of: w, with: zeros, rows: [0], ranks: 0}
)");
  EXPECT_EQ(resident(result), (std::vector<int64_t>{0, 4096}));
  // Neither the file nor the other rank sees it.
  EXPECT_EQ(findings_of(result, "ckpt"), std::vector<std::string>{"0 w value"});
}

TEST(Mapped, IsReadIntoMemoryWhereItIsCutOrCast) {
  const CaseResult result = run_text(R"(world: {ranks: 2}
budget: {rank_resident: 1 GiB}
stores: {file: {dtype: bfloat16}}
tensors:
  cut:  {shape: [4096, 1024], from: file, shard: {dim: 0}}
steps:
  - read: {of: all, place: mapped}
)");
  EXPECT_EQ(resident(result), std::vector<int64_t>{8 << 20});
}

TEST(Mapped, IsCountedByTheKernelAsWell) {
  const Parsed parsed = parse_text("about: a\nbackend: sim\n" + kTensors +
                                       "  - read: {of: all, place: mapped}\n"
                                       "  - fill: {of: w, with: zeros, rows: [0, 9]}\n", {});
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const Case plan = expand(*parsed.scenario, {}).cases.at(0);
  sim::Session session;
  sim::WorldSpec spec = world_of(plan);
  spec.committed = true;
  const auto seen = session.run(spec);
  ASSERT_TRUE(seen) << seen.error().message;
  const std::vector<MemorySample>& samples = seen->memory.at(0).samples;
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].committed, 0);
  EXPECT_GE(samples[1].committed, 2 * 4096);  // whole pages, wherever in them the rows begin
  EXPECT_LE(samples[1].committed, 4 * 4096);
}

}  // namespace
}  // namespace loadproof::harness
