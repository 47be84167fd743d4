#include "sim/machine.h"

#include <gmock/gmock.h>

#include "sim/backends/backend.h"

namespace loadproof::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Machine, ReadsTheChosenWord) {
  EXPECT_EQ(chosen_word("always [madvise] never\n"), "madvise");
  EXPECT_EQ(chosen_word("[always] madvise never"), "always");
  EXPECT_EQ(chosen_word(""), "");
  EXPECT_EQ(chosen_word("no brackets"), "");
  EXPECT_EQ(chosen_word("[open"), "");
}

TEST(Machine, ReadsKeysOfMeminfo) {
  const char* text = "MemTotal:       24680044 kB\nMemFree: 7 kB\nMemAvailable:   12 kB\n";
  EXPECT_EQ(meminfo_bytes(text, "MemTotal"), int64_t{24680044} * 1024);
  EXPECT_EQ(meminfo_bytes(text, "MemAvailable"), 12 * 1024);
  EXPECT_EQ(meminfo_bytes(text, "Free"), -1);
  EXPECT_EQ(meminfo_bytes(text, "Mem"), -1);
  EXPECT_EQ(meminfo_bytes("MemTotal: many", "MemTotal"), -1);
  EXPECT_EQ(meminfo_bytes("", "MemTotal"), -1);
}

TEST(Machine, SeesWhatLaunchersSetAndKeepsTheirSecrets) {
  const char* const environment[] = {"HOME=/root",     "RANK=3",         "RANKS=9",
                                     "SLURM_PROCID=1", "SLURM_JWT=secret", "MASTER_ADDR=a:1",
                                     "OMPI_COMM_WORLD_SIZE=8", "PMIX_X=y", nullptr};
  EXPECT_THAT(launch_variables(environment),
              ElementsAre("RANK=3", "SLURM_PROCID=1", "SLURM_JWT", "MASTER_ADDR=a:1",
                          "OMPI_COMM_WORLD_SIZE=8", "PMIX_X"));
  const char* const none[] = {nullptr};
  EXPECT_THAT(launch_variables(none), IsEmpty());
}

TEST(Machine, LooksAtThisOne) {
  const HostMachine host = look_at_host();
  EXPECT_GE(host.cores, 1);
  EXPECT_GT(host.memory_total, 0);
  EXPECT_GT(host.memory_available, 0);
  EXPECT_LE(host.memory_available, host.memory_total);
  EXPECT_GT(host.mappings_max, 0);
  EXPECT_GT(host.poisoned_most, int64_t{1} << 30);
  EXPECT_EQ(host.torch, "2.11.0");
  EXPECT_NE(host.cpu_capability, "");
}

TEST(Machine, TriesEveryBackendOfTheTable) {
  const std::vector<BackendTrial> trials = try_backends(0);
  ASSERT_EQ(trials.size(), backends().size());
  for (size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].name, backends()[i].name);
    EXPECT_EQ(trials[i].needs_device, trials[i].name == "nccl");
    if (trials[i].needs_device) continue;
    EXPECT_EQ(trials[i].why_not, "") << trials[i].name;
    EXPECT_EQ(trials[i].ranks, 2);
  }
}

// The sentence that a case ends with is that of doctor.
TEST(Machine, SaysOfABackendWhatACaseIsTold) {
  for (const BackendTrial& trial : try_backends(0)) {
    const Result<std::unique_ptr<Backend>> made = make_backend(trial.name, trial.ranks);
    EXPECT_EQ(made ? "" : made.error().message, trial.why_not);
  }
}

}  // namespace
}  // namespace loadproof::sim
