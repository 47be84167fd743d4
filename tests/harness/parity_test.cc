// Wherever tensors are and whatever moves them, a case has the same verdicts and states: all
// scenarios, on every device and backend that this machine has, held against cpu and gloo.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "harness/judge.h"
#include "harness/needs.h"
#include "harness/plan.h"
#include "harness/runner.h"
#include "sim/device_names.h"
#include "sim/machine.h"
#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

using Place = std::tuple<std::string, std::string>;  // device, backend

std::vector<Case> cases() {
  std::vector<Case> all = make_plan({"scenarios"}, {}, disk_files()).cases;
  // Without bytes there is nothing to place; and an assertion of a GPU ends the process.
  std::erase_if(all, [](const Case& plan) { return plan.dry || needs_own_process(plan); });
  return all;
}

// What may differ: memory, which is elsewhere, and how floating-point sums are rounded, with all
// that is drawn by them.
Observation without_rounding(Observation seen) {
  seen.fingerprint = 0;
  for (RankObservation& rank : seen.ranks) {
    rank.reserved_peak = 0;
    rank.reserved_peak_step = -1;
    rank.device_peak = 0;
    rank.device_peak_step = -1;
    for (Generation& generation : rank.generations) {
      generation.logits_digest = 0;
      generation.max_prob = 0;
      generation.tokens.clear();
      generation.argmax_last = 0;
    }
  }
  return seen;
}

std::string verdicts_of(const Case& plan, const Observation& seen) {
  std::string text;
  for (const Verdict& verdict : judge(plan, seen))
    text += fmt::format("{} {}; ", verdict.oracle, static_cast<int>(verdict.judgement));
  return text;
}

class Parity : public ::testing::TestWithParam<Place> {
 protected:
  // The part lies beside the program, and not beside this one.
  void SetUp() override {
    constexpr int kKeep = 0;
    const auto folder = std::filesystem::path(LOADPROOF_PROGRAM).parent_path();
    ::setenv("LOADPROOF_NCCL_PART", (folder / "libloadproof_nccl.so").c_str(), kKeep);
  }
};

std::vector<Place> places() {
  std::vector<Place> all;
  for (const sim::DeviceInfo& device : sim::device_infos())
    for (const char* backend : {"gloo", "sim", "nccl"})
      if (device.name != "cpu" || std::string_view(backend) != "gloo")
        all.emplace_back(device.name, backend);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Places, Parity, ::testing::ValuesIn(places()), [](const auto& which) {
  return std::get<0>(which.param) + "_" + std::get<1>(which.param);
});

TEST_P(Parity, ShowsWhatCpuAndGlooShow) {
  const auto& [device, backend] = GetParam();
  const sim::CudaMachine machine = sim::look_for_devices();
  if ((device == "cuda" || backend == "nccl") && machine.devices.empty())
    GTEST_SKIP() << machine.why_none;
  sim::Session session;
  size_t compared = 0, left_out = 0;
  std::string why;
  for (const Case& plan : cases()) {
    sim::WorldSpec spec = world_of(plan);
    spec.device = device;
    spec.backend = backend;
    const Result<Observation> seen = session.run(spec);
    if (!seen) {
      ++left_out;
      why = seen.error().message;
      continue;
    }
    spec.device = "cpu";
    spec.backend = "gloo";
    const Result<Observation> expected = session.run(spec);
    ASSERT_TRUE(expected) << plan.id << ": " << expected.error().message;
    ++compared;
    EXPECT_EQ(verdicts_of(plan, *seen), verdicts_of(plan, *expected)) << plan.id;
    EXPECT_EQ(first_difference(without_rounding(*seen), without_rounding(*expected)), "")
        << plan.id;
  }
  if (compared == 0) GTEST_SKIP() << why;
  RecordProperty("compared", static_cast<int>(compared));
  RecordProperty("left_out", static_cast<int>(left_out));
  if (device != "cuda" && backend != "nccl") {
    EXPECT_EQ(left_out, 0u) << why;
  }
}

// Tensors whose bytes are told by a digest where they are; of the scenarios' few are so large.
TEST(LargeTensors, OfADeviceShowWhatTheHostShows) {
  const Parsed parsed = parse_text(R"(about: a
world: {ranks: 2}
tensors:
  right: {shape: [300, 512], from: file}
  wrong: {shape: [300, 512], from: file}
  half:  {shape: [300, 1024], from: file}
steps:
  - read:  {of: file}
  - fill:  {of: wrong, with: const, const: 14, rows: [7], ranks: 1}
  - shard: {of: half}
)",
                                   {});
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const Case plan = expand(*parsed.scenario, {}).cases.at(0);
  sim::Session session;
  sim::WorldSpec spec = world_of(plan);
  const Result<Observation> expected = session.run(spec);
  spec.device = "fenced";
  const Result<Observation> seen = session.run(spec);
  ASSERT_TRUE(seen && expected);
  EXPECT_EQ(first_difference(without_rounding(*seen), without_rounding(*expected)), "");
  const std::vector<TensorObservation>& tensors = seen->ranks[1].points.back().tensors;
  EXPECT_TRUE(tensors[0].reference.equal);
  EXPECT_EQ(tensors[1].reference.differing, 512);
  EXPECT_EQ(tensors[1].reference.first_differing, 7 * 512);
  EXPECT_TRUE(tensors[2].reference.equal);
}

}  // namespace
}  // namespace loadproof::harness
