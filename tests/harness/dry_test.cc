// Runs on shapes alone against runs with bytes: what is held, moved and met is the same.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "harness/files.h"
#include "harness/plan.h"
#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using ::testing::HasSubstr;

std::map<int, std::vector<MemorySample>> samples_by_rank(const Observation& seen) {
  std::map<int, std::vector<MemorySample>> samples;
  for (const MemoryObservation& one : seen.memory)
    for (int rank : one.ranks) samples[rank] = one.samples;
  return samples;
}

// By holder and index: what each held at most, however few stand for all.
std::map<std::pair<PeakObservation::Holder, int>, MemoryUse> peaks(const Observation& seen) {
  std::map<std::pair<PeakObservation::Holder, int>, MemoryUse> all;
  for (const PeakObservation& peak : seen.peaks) {
    std::vector<int> indices = peak.alike;
    if (indices.empty()) indices = {peak.index};
    for (int index : indices) all[{peak.holder, index}] = {peak.resident, peak.reserved};
  }
  return all;
}

std::vector<int64_t> traffic(const CostObservation& cost) {
  return {cost.storage_read.bytes, cost.storage_written.bytes, cost.host_memory.bytes,
          cost.host_device.bytes,  cost.intra_node.bytes,      cost.inter_node.bytes};
}

// A run on shapes alone has no bytes to damage, move, save or read again, and no memory that
// another rank writes.
bool needs_bytes(const Case& plan) {
  const std::vector<const Step*> steps = flat_steps(plan.program);
  const bool has_verb = std::ranges::any_of(steps, [](const Step* step) {
    return step->verb == "save" || step->verb == "move" || step->verb == "damage" ||
           step->verb == "update";
  });
  const bool shares = std::ranges::any_of(
      plan.tensors, [](const ExtraTensor& one) { return !one.spec.shared_over.empty(); });
  return has_verb || shares || plan.schedule != 0;
}

bool all_finish(const Observation& seen) {
  return std::ranges::all_of(seen.ranks, [](const RankObservation& rank) {
    return rank.outcome == Outcome::kFinished;
  });
}

struct Both {
  Observation real, dry;
};

// Nothing: some rank does not finish, with its bytes.
std::optional<Both> run_both(sim::Session& session, const Case& plan) {
  sim::WorldSpec spec = world_of(plan);
  spec.memory = true;
  spec.backend = "sim";
  spec.dry = false;
  auto real = session.run(spec);
  if (!real || !all_finish(*real)) return std::nullopt;
  spec.dry = true;
  auto dry = session.run(spec);
  EXPECT_TRUE(dry) << plan.id << ": " << dry.error().message;
  if (!dry) return std::nullopt;
  return Both{std::move(*real), std::move(*dry)};
}

// Every scenario of the suite that bytes do not steer.
TEST(Dry, HoldsAndMovesWhatARunWithBytesDoes) {
  const Plan plan = make_plan({"scenarios/smoke", "scenarios/recorded", "scenarios/ground_truth",
                               "scenarios/incidents", "scenarios/reported"},
                              {}, disk_files());
  ASSERT_TRUE(plan.problems.empty()) << plan.problems[0];
  sim::Session session;
  size_t compared = 0;
  for (const Case& one : plan.cases) {
    if (needs_bytes(one)) continue;
    const auto both = run_both(session, one);
    if (!both) continue;
    ++compared;
    EXPECT_EQ(samples_by_rank(both->dry), samples_by_rank(both->real)) << one.id;
    EXPECT_EQ(traffic(both->dry.cost.at(0)), traffic(both->real.cost.at(0))) << one.id;
  }
  EXPECT_GT(compared, 400u);
}

// Ranks that meet as a world: then what happens between two meetings is known to happen at once.
TEST(Dry, SumsUpNodesAndDevicesAsARunWithBytesDoes) {
  sim::Session session;
  const Plan plan = make_plan({"scenarios/incidents/hf-45649.yaml",
                               "scenarios/incidents/pytorch-149640.yaml",
                               "scenarios/smoke/ram_efficient_loading.yaml"},
                              {}, disk_files());
  for (const Case& one : plan.cases) {
    const auto both = run_both(session, one);
    if (!both) continue;
    EXPECT_EQ(peaks(both->dry), peaks(both->real)) << one.id;
  }
}


std::string placeholders(const std::string& last) {
  return "world: {nodes: 2048, ranks_per_node: 8, devices_per_node: 4}\ndry: true\n"
         "budget: {node_resident: 20 KiB, device_resident: 1 GiB}\n"
         "tensors: {'w.{0..7}': {shape: [512, 2], from: file}}\n"
         "steps:\n"
         "  - alloc: {of: all, as: meta}\n"
         "  - read:  {of: file, ranks: local 0}\n"
         "  - alloc: {id: hold, of: all, ranks: local>0, as: zeros}\n" + last;
}

TEST(Dry, RunsOneRankForAllThatDoTheSame) {
  const CaseResult result = run_text(placeholders("  - broadcast: {of: all, src: 0}\n"));
  EXPECT_EQ(result.observation.ranks.size(), 3u);  // the source, other readers, all others
  ASSERT_EQ(result.observation.memory.size(), 3u);
  EXPECT_EQ(result.observation.memory[1].ranks.size(), 2048u * 7);
  const Verdict& verdict = verdict_in(result, "memory");
  ASSERT_EQ(verdict.findings.size(), 2u);
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("node 0: 256 KiB resident at once"));
  EXPECT_THAT(verdict.findings[1].text,
              HasSubstr("node 1 and 2046 more like it: 256 KiB resident at once"));
  EXPECT_THAT(verdict.findings[1].text, HasSubstr("broken by step 'hold'"));
}

TEST(Dry, CountsWhatCrossesEachKindOfLink) {
  const CaseResult result = run_text(placeholders("  - broadcast: {of: all, src: 0}\n"));
  const CostObservation& cost = result.observation.cost.at(0);
  EXPECT_EQ(cost.storage_read.bytes, 2048 * 32 * 1024);
  EXPECT_EQ(cost.host_memory.bytes, int64_t{16384} * 32 * 1024);
  // A chain from rank to rank: seven hops in each node, and one to each node but the first.
  EXPECT_EQ(cost.intra_node.bytes, int64_t{2048} * 7 * 32 * 1024);
  EXPECT_EQ(cost.inter_node.bytes, 2047 * 32 * 1024);
  ASSERT_EQ(cost.reads.size(), 1u);
  EXPECT_EQ(cost.reads[0].nodes.size(), 2048u);
  EXPECT_EQ(cost.reads[0].reads, 8);
}

TEST(Dry, EstimatesTimeFromTheSpeedsOfTheScenario) {
  const CaseResult result = run_text(R"(world: {ranks: 2}
dry: true
links: {storage: 1 KB/s, memory: 1 GB/s, host_device: 512 B/s, intra_node: 256 B/s}
tensors: {w: {shape: [256], from: file}}
steps:
  - read:      {of: w, ranks: 0, device: cuda}
  - alloc:     {of: w, ranks: 1, as: empty, device: cuda}
  - broadcast: {of: w, src: 0}
)");
  const CostObservation& cost = result.observation.cost.at(0);
  EXPECT_DOUBLE_EQ(cost.storage_read.seconds, 1.024);
  EXPECT_DOUBLE_EQ(cost.host_device.seconds, 2);
  EXPECT_DOUBLE_EQ(cost.intra_node.seconds, 4);
  EXPECT_DOUBLE_EQ(cost.seconds, 1.024 + 2 + 4);
}

TEST(Dry, TellsWhereRanksWouldNotMeet) {
  const CaseResult result = run_text(placeholders(
      "  - broadcast: {id: all_but_one, of: all, src: 0, ranks: \"!9\"}\n"));
  const Verdict& verdict = verdict_in(result, "no_hang");
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].rank, 9);
  EXPECT_THAT(verdict.findings[0].text,
              HasSubstr("rank 9 never comes to broadcast of w.0, 4096 bytes in world, where rank 0 "
                        "waits"));
}

TEST(Dry, SaysNothingOfValues) {
  const CaseResult result = run_text(placeholders(""));
  EXPECT_EQ(verdict_in(result, "finite").judgement, Judgement::kUnknown);
  EXPECT_EQ(verdict_in(result, "ckpt").judgement, Judgement::kUnknown);
}

// What the kernel counts on ranks that are really run, against what shapes alone foretell. Tensors
// are of 4 MiB and more: smaller blocks are poisoned at once, and the kernel has pages for them.
void compare_with_the_kernel(int ranks, int64_t mebibytes, const std::string& as) {
  const std::string rows = std::to_string(mebibytes * 1024 / 8);  // of eight tensors, 1 KiB each
  const Parsed parsed = parse_text(
      "about: a\nworld: {ranks: " + std::to_string(ranks) + "}\nbackend: sim\n"
      "tensors: {'w.{0..7}': {shape: [" + rows + ", 512], dtype: bfloat16, from: file}}\n"
      "steps:\n"
      "  - alloc: {of: all, as: meta}\n"
      "  - read:  {of: all, ranks: 0}\n"
      "  - alloc: {of: all, ranks: r>0, as: " + as + "}\n"
      "  - each:  {of: all, do: [{broadcast: {of: it, src: 0}}, {shard: {of: it, dim: 0}}]}\n", {});
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const Case plan = expand(*parsed.scenario, {}).cases.at(0);
  sim::Session session;
  sim::WorldSpec spec = world_of(plan);
  spec.memory = spec.committed = true;
  const auto real = session.run(spec);
  ASSERT_TRUE(real) << real.error().message;
  spec.dry = true;
  const auto dry = session.run(spec);
  ASSERT_TRUE(dry) << dry.error().message;
  const auto foretold = samples_by_rank(*dry);
  for (const MemoryObservation& rank : real->memory) {
    int64_t counted = 0, expected = 0;
    for (const MemorySample& sample : rank.samples) counted = std::max(counted, sample.committed);
    for (const MemorySample& sample : foretold.at(rank.ranks[0]))
      expected = std::max(expected, sample.after[Device::kCpu].resident);
    EXPECT_NEAR(static_cast<double>(expected), static_cast<double>(counted),
                0.01 * static_cast<double>(counted))
        << as << ", rank " << rank.ranks[0] << " of " << ranks;
  }
}

TEST(Dry, ForetellsWhatTheKernelCountsWithinOnePercent) {
  for (const char* as : {"empty", "zeros"}) {
    compare_with_the_kernel(2, 128, as);
    compare_with_the_kernel(8, 64, as);
    compare_with_the_kernel(64, 40, as);
  }
}

}  // namespace
}  // namespace loadproof::harness
