// Memory of accelerators: what is moved there, who shares one, and budgets that compare variants.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using ::testing::HasSubstr;
using Holder = PeakObservation::Holder;

// Two names of one storage of 1 KiB, and one of their own.
const std::string kTensors = R"(tensors:
  w:    {shape: [256], from: file}
  twin: {shape: [256], tie: w}
  v:    {shape: [256], from: file}
)";

// KiB resident of those that hold so, in order.
std::vector<int64_t> held(const CaseResult& result, Holder holder) {
  std::vector<int64_t> found;
  for (const PeakObservation& peak : result.observation.peaks)
    if (peak.holder == holder) found.push_back(peak.resident / 1024);
  return found;
}

TEST(Device, HoldsWhatIsMovedToItWithAllNamesOfItsStorage) {
  const CaseResult result = run_text(R"(world: {nodes: 2, ranks_per_node: 2}
budget: {device_resident: 1 KiB}
)" + kTensors + R"(steps:
  - read: {of: all}
  - bind: {of: twin}
  - to:   {of: twin, device: cuda, ranks: local 1}
)");
  EXPECT_EQ(held(result, Holder::kDevice), (std::vector<int64_t>{0, 1, 0, 1}));
  EXPECT_EQ(held(result, Holder::kNode), (std::vector<int64_t>{4, 4}));
  EXPECT_TRUE(result.surprises.empty()) << result.surprises[0];  // tied as before, and equal
}

TEST(Device, IsNotMovedToTwiceAndNotFromMeta) {
  const CaseResult result = run_text("budget: {device_reserved: 1 KiB}\n" + kTensors + R"(steps:
  - read: {of: w, device: cuda}
  - to:   {of: all, device: cuda}
  - read: {of: v}
  - bind: {of: twin}
)");
  EXPECT_EQ(held(result, Holder::kDevice), std::vector<int64_t>{1});
  EXPECT_EQ(held(result, Holder::kRank), std::vector<int64_t>{1});
  EXPECT_TRUE(result.surprises.empty()) << result.surprises[0];
}

TEST(Device, KeepsWhatIsMadeOfItsTensors) {
  const CaseResult result = run_text(R"(world: {ranks: 2}
budget: {device_resident: 4 KiB, rank_resident: 0}
)" + kTensors + R"(steps:
  - alloc:     {of: all, as: empty, device: cuda}
  - read:      {of: file, ranks: 0}
  - broadcast: {of: file, src: 0}
  - bind:      {of: twin}
  - shard:     {of: file}
)");
  // All of a model, a tensor and the one that replaces it.
  EXPECT_EQ(held(result, Holder::kRank), (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(verdict_in(result, "memory").judgement, Judgement::kPass);
}

TEST(Device, IsSharedByRanksInTurns) {
  const CaseResult result = run_text(R"(world: {nodes: 2, ranks_per_node: 3, devices_per_node: 2}
budget: {device_resident: 2 KiB}
)" + kTensors + R"(steps:
  - read: {of: w, device: cuda}
  - read: {of: v}
  - bind: {of: twin}
)");
  EXPECT_EQ(held(result, Holder::kDevice), (std::vector<int64_t>{2, 1, 2, 1}));
  EXPECT_TRUE(result.surprises.empty()) << result.surprises[0];
}

TEST(Device, BreaksItsBudgetAtAStep) {
  const CaseResult result = run_text("budget: {device_resident: 1 KiB}\n" + kTensors + R"(steps:
  - read: {of: file}
  - bind: {of: twin}
  - to:   {id: first, of: w, device: cuda}
  - to:   {id: second, of: v, device: cuda}
)");
  const Verdict& verdict = verdict_in(result, "memory");
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_THAT(verdict.findings[0].text,
              HasSubstr("device 0: 2 KiB resident at once, 1 KiB allowed; broken by step "
                        "'second'"));
}

const std::string kForms = R"(steps:
  - read:  {of: file}
  - bind:  {of: twin}
  - alloc: {id: copy, of: spare, as: zeros}
variants:
  lean:     {drop: [copy]}
  wasteful: {set: {budget.rank_resident: SHARE}}
)";

std::string against(const std::string& share) {
  std::string text = "budget: {rank_resident: 1 GiB}\n" + kTensors +
                     "  spare: {shape: [256], kind: scratch}\n" + kForms;
  return text.replace(text.find("SHARE"), 5, share);
}

Expanded expanded(const std::string& text, const Overrides& overrides = {}) {
  const Parsed parsed = parse_text("about: a\n" + text, {});
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  return parsed.scenario ? expand(*parsed.scenario, overrides) : Expanded{};
}

Verdict judged(const std::string& share) {
  // The other variant is run though it is not chosen.
  const Expanded cases = expanded(against(share), {.only = {{"variant", "wasteful"}}});
  sim::Session session;
  return verdict_in(run_case(session, cases.cases.at(0), {.twice = true}), "memory");
}

TEST(Budget, MayBeAShareOfWhatAnotherVariantHolds) {
  EXPECT_EQ(judged("150% of lean").judgement, Judgement::kPass);
  const Verdict verdict = judged("125% of lean");
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("3 KiB resident at once, 2.5 KiB allowed (125% "
                                                  "of the 2 KiB of lean); broken by step 'copy'"));
}

TEST(Budget, NamesTheNearestVariant) {
  const Parsed parsed = parse_text("about: a\n" + against("125% of leen"), {});
  ASSERT_EQ(parsed.diagnostics.size(), 1u);
  EXPECT_THAT(print(parsed.diagnostics, parsed.sources),
              HasSubstr("unknown variant in budget \"leen\""));
}

}  // namespace
}  // namespace loadproof::harness
