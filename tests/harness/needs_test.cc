#include "harness/needs.h"

#include <gmock/gmock.h>

#include "tests/harness/front_end.h"
#include "tests/harness/program.h"

namespace loadproof::harness {
namespace {

using testing::HasSubstr;
using testing::Optional;

Case case_of(const std::string& settings, const std::string& guard = "on") {
  const Parsed parsed = parse_text("about: a\n" + settings + R"(
tensors: {logits: {shape: [1, 4], kind: runtime_buffer}}
steps: [sample: {id: draw, of: logits, guard: ")" + guard + R"("}]
)");
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  return expand(*parsed.scenario).cases.at(0);
}

sim::CudaMachine machine_with(size_t gpus) {
  sim::CudaMachine machine;
  machine.devices.resize(gpus);
  return machine;
}

TEST(Needs, AreOneGpuForTensorsAndOneARankForNccl) {
  EXPECT_EQ(gpus_needed(case_of("world: {ranks: 8}")), 0);
  EXPECT_EQ(gpus_needed(case_of("world: {ranks: 8}\ndevice: fenced")), 0);
  EXPECT_EQ(gpus_needed(case_of("world: {ranks: 8}\ndevice: cuda")), 1);
  EXPECT_EQ(gpus_needed(case_of("world: {ranks: 8}\ndevice: cuda\nbackend: nccl")), 8);
  EXPECT_EQ(gpus_needed(case_of("world: {ranks: 8}\nbackend: nccl")), 8);
  EXPECT_EQ(gpus_needed(case_of("world: {ranks: 8}\ndevice: cuda\ndry: true")), 0);
}

TEST(Needs, LeaveACaseOutWhereThereAreTooFew) {
  const Case shared = case_of("world: {ranks: 8}\ndevice: cuda");
  const Case apart = case_of("world: {ranks: 8}\ndevice: cuda\nbackend: nccl");
  EXPECT_EQ(lacks_gpus(shared, false, machine_with(1)), std::nullopt);
  EXPECT_EQ(lacks_gpus(apart, false, machine_with(8)), std::nullopt);
  EXPECT_THAT(lacks_gpus(apart, false, machine_with(2)),
              Optional(std::string("needs 8 GPUs, and this machine has 2")));
  EXPECT_THAT(lacks_gpus(shared, false, machine_with(0)),
              Optional(HasSubstr("needs 1 GPU, and this machine has none")));
}

TEST(Needs, AreAnErrorOfWhoAsksForAGpuWhereThereIsNone) {
  const Case plan = case_of("world: {ranks: 2}\ndevice: cuda\nbackend: nccl");
  EXPECT_EQ(lacks_gpus(plan, true, machine_with(0)), std::nullopt);
  EXPECT_NE(lacks_gpus(plan, true, machine_with(1)), std::nullopt);
}

TEST(Needs, AreAProcessOfItsOwnWhereAnAssertionMayFailOnAGpu) {
  EXPECT_TRUE(needs_own_process(case_of("device: cuda", "off")));
  EXPECT_FALSE(needs_own_process(case_of("device: cuda")));
  EXPECT_FALSE(needs_own_process(case_of("device: fenced", "off")));
}

// --- from outside, on a machine that need not have a GPU ---------------------------------------

TEST_F(Program, RunsTensorsOnTheFencedDevice) {
  const Ended ended = run("run scenarios/smoke --device fenced");
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
}

TEST_F(Program, NamesTheDeviceInTheLineThatRunsACaseAgain) {
  const std::string file = write("x.yaml", R"(
about: a
tensors: {logits: {shape: [1, 4], kind: runtime_buffer}}
steps: [alloc: {id: hold, of: logits, as: empty}, sample: {id: draw, of: logits}]
)");
  const Ended ended = run("run " + file + " --device fenced");
  EXPECT_EQ(ended.code, 1) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(" --seed 7 --device fenced\n"));
}

TEST_F(Program, KnowsTheDevicesByName) {
  const Ended ended = run("run scenarios/smoke --device fence");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("did you mean \"fenced\"?"));
}

TEST_F(Program, RunsACaseWithoutTheGuardAndTellsTheRealError) {
  const std::string file = write("x.yaml", R"(
about: a
tensors: {logits: {shape: [1, 4], kind: runtime_buffer}}
steps: [alloc: {id: hold, of: logits, as: empty}, sample: {id: draw, of: logits, guard: "off"}]
)");
  const Ended ended = run("run " + file);
  EXPECT_EQ(ended.code, 1) << ended.err;
  EXPECT_THAT(ended.out,
              HasSubstr("probability tensor contains either `inf`, `nan` or element < 0"));
}

}  // namespace
}  // namespace loadproof::harness
