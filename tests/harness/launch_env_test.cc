// Which rank a process is, by the variables of its launcher.
#include "harness/launch_env.h"

#include <gmock/gmock.h>

#include <map>

namespace loadproof::harness {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string, std::less<>>;

Result<Launched> read(const Variables& variables) {
  return read_launch_environment([&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

const Variables kTorchrun = {{"RANK", "2"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "0"},
                             {"LOCAL_WORLD_SIZE", "2"}, {"MASTER_ADDR", "head"},
                             {"MASTER_PORT", "29501"}};
const Variables kSlurm = {{"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "8"}, {"SLURM_LOCALID", "1"},
                          {"SLURM_NODELIST", "gpu[07-10],cpu1"}};
const Variables kMpi = {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"},
                        {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};

Variables with(Variables variables, const Variables& others) {
  for (const auto& [name, value] : others) variables[name] = value;
  return variables;
}

TEST(LaunchEnvironment, KnowsTorchrun) {
  EXPECT_EQ(*read(kTorchrun), (Launched{.by = "torchrun", .rank = 2, .ranks = 4, .local_rank = 0,
                                        .local_ranks = 2, .address = "head", .port = 29501}));
  EXPECT_TRUE(read(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}}))->store_runs);
  EXPECT_FALSE(read(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", ""}}))->store_runs);
}

TEST(LaunchEnvironment, KnowsSlurm) {
  EXPECT_EQ(*read(kSlurm), (Launched{.by = "Slurm", .rank = 3, .ranks = 8, .local_rank = 1,
                                     .address = "gpu07", .port = 29500}));
  EXPECT_EQ(read(with(kSlurm, {{"MASTER_PORT", "5000"}, {"MASTER_ADDR", "x"}}))->port, 5000);
  Variables launched = kSlurm;
  launched.erase("SLURM_NODELIST");
  launched["SLURM_LAUNCH_NODE_IPADDR"] = "10.0.0.7";
  EXPECT_EQ(read(launched)->address, "10.0.0.7");
}

TEST(LaunchEnvironment, KnowsMpi) {
  EXPECT_EQ(*read(kMpi), (Launched{.by = "Open MPI", .rank = 1, .ranks = 2, .local_rank = 1,
                                   .local_ranks = 2, .address = "127.0.0.1", .port = 29500}));
  EXPECT_EQ(read({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MASTER_ADDR", "h"}})->by, "PMI");
}

// srun --mpi=pmi2, and mpirun of several hosts in an allocation.
TEST(LaunchEnvironment, KnowsMpiWithinSlurm) {
  const Launched launched = *read(with(kSlurm, {{"PMI_RANK", "3"}, {"PMI_SIZE", "8"}}));
  EXPECT_EQ(launched.by, "PMI");
  EXPECT_EQ(launched.address, "gpu07");
  EXPECT_EQ(read(with(kSlurm, with(kMpi, {{"OMPI_COMM_WORLD_SIZE", "4"}})))->address, "gpu07");
  EXPECT_EQ(read(with(kSlurm, kMpi))->address, "127.0.0.1");
}

// Each may itself have been started by the next.
TEST(LaunchEnvironment, GoesByTheInnermostLauncher) {
  EXPECT_EQ(read(with(with(kSlurm, kMpi), kTorchrun))->by, "torchrun");
  EXPECT_EQ(read(with(kSlurm, kMpi))->by, "Open MPI");
}

TEST(LaunchEnvironment, SaysWhatIsMissingOrContradicts) {
  const std::pair<Variables, const char*> cases[] = {
      {{}, "no launcher has said which rank this is"},
      {{{"RANK", "0"}}, "WORLD_SIZE is not set (as torchrun sets them)"},
      {{{"WORLD_SIZE", "2"}}, "RANK is not set"},
      {{{"RANK", "0"}, {"WORLD_SIZE", "1"}}, "MASTER_ADDR, the host of rank 0, is not set"},
      {{{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"MASTER_ADDR", "h"}}, "MASTER_PORT is not set"},
      {with(kTorchrun, {{"RANK", "4"}}), "RANK is 4 and WORLD_SIZE is 4: ranks count from 0"},
      {with(kTorchrun, {{"RANK", "one"}}), "RANK is 'one', and must be a number from 0 on"},
      {with(kTorchrun, {{"RANK", "-1"}}), "RANK is '-1'"},
      {with(kTorchrun, {{"WORLD_SIZE", "99999999999"}}), "WORLD_SIZE is '99999999999'"},
      {with(kTorchrun, {{"WORLD_SIZE", "0"}, {"RANK", "0"}}), "WORLD_SIZE is 0"},
      {with(kTorchrun, {{"MASTER_PORT", "70000"}}), "MASTER_PORT is 70000"},
      {with(kTorchrun, {{"LOCAL_RANK", "3"}}), "LOCAL_RANK is 3 and RANK is 2"},
      {with(kTorchrun, {{"LOCAL_RANK", "2"}}), "they contradict each other"},
      {with(kTorchrun, {{"LOCAL_WORLD_SIZE", "5"}}), "they contradict each other"},
      {with(kMpi, {{"OMPI_COMM_WORLD_SIZE", "4"}}), "MASTER_ADDR, the host of rank 0"},
      {{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}, "MASTER_ADDR"},
  };
  for (const auto& [variables, message] : cases) {
    const Result<Launched> launched = read(variables);
    ASSERT_FALSE(launched) << message;
    EXPECT_THAT(launched.error().message, HasSubstr(message));
  }
}

TEST(LaunchEnvironment, FindsTheFirstHostOfAList) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""}, {"a", "a"}, {"a,b", "a"}, {"a[1-3]", "a1"}, {"a[003,7-9],b", "a003"},
      {"r[1-2]n[08-09]x,c", "r1n08x"}, {"a[", "a"}, {"a[4", "a4"},
  };
  for (const auto& [nodes, host] : cases) EXPECT_EQ(first_host(nodes), host) << nodes;
}

}  // namespace
}  // namespace loadproof::harness
