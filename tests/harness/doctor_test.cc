// What doctor says of machines that are made up, and of this one.
#include "harness/doctor.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/settings.h"
#include "tests/harness/program.h"

namespace loadproof::harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr int64_t kGiB = int64_t{1} << 30;

Machine sound() {
  Machine machine;
  machine.host = {.cores = 8,
                  .memory_total = 32 * kGiB,
                  .memory_available = 16 * kGiB,
                  .memory_limit = std::nullopt,
                  .huge_pages = "madvise",
                  .mappings_max = 65530,
                  .overcommit = 0,
                  .poisoned_most = 1024 * kGiB,
                  .address_space_max = std::nullopt,
                  .scans_pagemap = true,
                  .torch = "2.11.0",
                  .cpu_capability = "AVX512"};
  machine.cuda = {.nccl = "2.28.9",
                  .driver = "13.0",
                  .runtime = "13.0",
                  .devices = {{"NVIDIA H100", 80 * kGiB, 79 * kGiB}},
                  .why_none = ""};
  machine.backends = {{"gloo", "over loopback", false, 2, ""},
                      {"nccl", "over NVLink", true, 1, ""},
                      {"sim", "in memory", false, 2, ""}};
  machine.devices = {{"cpu", "the host's memory", ""}, {"cuda", "GPUs", ""}};
  return machine;
}

Fact finding_of(const Machine& machine, std::string_view topic) {
  for (const Fact& finding : findings(machine))
    if (finding.topic == topic) return finding;
  ADD_FAILURE() << "no finding about " << topic;
  return {};
}

TEST(Doctor, HasNothingToSayOfASoundMachine) {
  for (const Fact& finding : findings(sound())) {
    EXPECT_EQ(finding.health, Health::kOk) << finding.topic;
    EXPECT_EQ(finding.advice, "") << finding.topic;
  }
  EXPECT_TRUE(cpu_backends_work(sound()));
}

TEST(Doctor, WritesAlignedLines) {
  EXPECT_EQ(doctor_text(findings(sound())),
            "cores         ok    8\n"
            "memory        ok    32 GiB, 16 GiB available\n"
            "huge pages    ok    madvise\n"
            "mappings      ok    vm.max_map_count 65530: up to 1 TiB of poisoned memory\n"
            "addresses     ok    unlimited\n"
            "page map      ok    PAGEMAP_SCAN\n"
            "libtorch      ok    2.11.0, kernels for AVX512\n"
            "backend gloo  ok    2 ranks met and broadcast a tensor\n"
            "backend nccl  ok    1 rank met and broadcast a tensor\n"
            "backend sim   ok    2 ranks met and broadcast a tensor\n"
            "device cpu    ok    a tensor was poisoned, and read\n"
            "device cuda   ok    a tensor was poisoned, and read\n"
            "NCCL          ok    2.28.9\n"
            "CUDA          ok    runtime 13.0, driver for 13.0\n"
            "GPU 0         ok    NVIDIA H100, 80 GiB, 79 GiB free\n"
            "launcher      ok    none\n");
  Machine machine = sound();
  machine.launch = {"RANK=3"};
  EXPECT_THAT(doctor_text(findings(machine)),
              HasSubstr("launcher      warn  RANK=3\n"
                        "                    run --processes is one rank of these;"));
}

TEST(Doctor, WarnsOfWhatMaySurprise) {
  struct Row {
    const char* topic;
    void (*change)(Machine&);
    const char* value;
  };
  const Row rows[] = {
      {"cores", [](Machine& m) { m.host.cores = 1; }, "1"},
      {"memory", [](Machine& m) { m.host.memory_available = kGiB / 2; }, "512 MiB available"},
      {"memory", [](Machine& m) { m.host.memory_limit = kGiB / 4; }, "256 MiB at most"},
      {"huge pages", [](Machine& m) { m.host.huge_pages = "always"; }, "always"},
      {"mappings", [](Machine& m) { m.host.mappings_max = 1000; }, "vm.max_map_count 1000"},
      {"mappings", [](Machine& m) { m.host.mappings_max = -1; }, "cannot be read"},
      {"addresses", [](Machine& m) { m.host.address_space_max = kGiB; }, "1 GiB (ulimit -v)"},
      {"addresses", [](Machine& m) { m.host.overcommit = 2; }, "vm.overcommit_memory is 2"},
      {"page map", [](Machine& m) { m.host.scans_pagemap = false; }, "no PAGEMAP_SCAN"},
      {"GPU 0", [](Machine& m) { m.cuda.devices[0].memory_free = 7; }, "7 B free"},
      {"launcher", [](Machine& m) { m.launch = {"RANK=1", "WORLD_SIZE=2"}; },
       "RANK=1, WORLD_SIZE=2"},
  };
  for (const Row& row : rows) {
    Machine machine = sound();
    row.change(machine);
    const Fact finding = finding_of(machine, row.topic);
    EXPECT_EQ(finding.health, Health::kWarn) << row.topic;
    EXPECT_THAT(finding.value, HasSubstr(row.value));
    EXPECT_NE(finding.advice, "") << row.topic;
    EXPECT_TRUE(cpu_backends_work(machine));
  }
}

TEST(Doctor, SaysWhyABackendDoesNotWork) {
  for (const size_t broken : {0u, 1u, 2u}) {
    Machine machine = sound();
    machine.backends[broken].why_not = "it is broken";
    const Fact finding = finding_of(machine, "backend " + machine.backends[broken].name);
    EXPECT_EQ(finding.health, Health::kNo);
    EXPECT_EQ(finding.value, "it is broken");
    EXPECT_NE(finding.advice, "");
    EXPECT_EQ(cpu_backends_work(machine), machine.backends[broken].needs_device);
  }
}

TEST(Doctor, SaysWhyThereIsNoDevice) {
  Machine machine = sound();
  machine.cuda = {.nccl = "2.28.9", .driver = "", .runtime = "13.0", .devices = {},
                  .why_none = "this machine has no NVIDIA driver"};
  EXPECT_EQ(finding_of(machine, "CUDA").health, Health::kNo);
  EXPECT_EQ(finding_of(machine, "GPUs").value, "this machine has no NVIDIA driver");
  machine.cuda = {.nccl = "", .driver = "", .runtime = "", .devices = {}, .why_none = "not built"};
  EXPECT_EQ(finding_of(machine, "NCCL").value, "not loaded");
  EXPECT_EQ(finding_of(machine, "GPUs").value, "not asked");
}

TEST(Doctor, WritesJsonWhateverTheEnvironmentHolds) {
  Machine machine = sound();
  machine.launch = {"RANK=\xff\""};
  machine.backends[0].why_not = "broken";
  const Json json = Json::parse(doctor_json(machine));
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["cpu_backends_work"], false);
  EXPECT_EQ(json["host"]["memory_total"], 32 * kGiB);
  EXPECT_EQ(json["host"]["memory_limit"], nullptr);
  EXPECT_EQ(json["cuda"]["devices"][0]["name"], "NVIDIA H100");
  EXPECT_EQ(json["backends"][0]["works"], false);
  EXPECT_EQ(json["findings"].size(), findings(machine).size());
  EXPECT_EQ(json["findings"][0]["health"], "ok");
}

// --- of this machine, from outside -------------------------------------------------------------

TEST_F(Program, DoctorTriesTheBackendsOfThisMachine) {
  const Ended ended = run("doctor --json " + path("d.json"));
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, StartsWith("cores "));
  EXPECT_THAT(ended.out, HasSubstr("backend gloo   ok    2 ranks met and broadcast a tensor\n"));
  EXPECT_THAT(ended.out, HasSubstr("device fenced  ok    a tensor was poisoned, and read\n"));
  EXPECT_THAT(ended.out, HasSubstr("backend sim    ok    2 ranks met and broadcast a tensor\n"));
  const Json json = Json::parse(text_of(path("d.json")));
  std::vector<std::string> names;
  for (const Json& backend : json["backends"]) names.push_back(backend["name"]);
  EXPECT_EQ(names, backend_names());
}

TEST_F(Program, ACaseThatAsksForNcclIsToldWhatDoctorSays) {
  const std::string line =
      "run scenarios/smoke/ram_efficient_loading.yaml --only variant=5.6.0 --backend nccl";
  const std::string none = "LOADPROOF_NCCL_PART=/nonexistent/part.so";
  const std::string why = "this build has no NCCL part: there is no /nonexistent/part.so; ";
  const Ended missing = run(line, none);
  EXPECT_EQ(missing.code, 2) << missing.out << missing.err;
  EXPECT_THAT(missing.out, AllOf(HasSubstr(why), HasSubstr("1 could not run")));
  const Ended doctor = run("doctor", none);
  EXPECT_EQ(doctor.code, 0) << doctor.err;
  EXPECT_THAT(doctor.out, HasSubstr("backend nccl   no    " + why));
  EXPECT_THAT(doctor.out, HasSubstr("NCCL           no    not loaded\n"));
}

TEST_F(Program, DoctorSeesALauncher) {
  EXPECT_THAT(run("doctor", "RANK=1 SLURM_JWT=secret").out,
              AllOf(HasSubstr("launcher       warn  "), HasSubstr("RANK=1"),
                    HasSubstr("SLURM_JWT"), ::testing::Not(HasSubstr("secret"))));
}

TEST_F(Program, DoctorEndsWithOneWhereGlooDoesNotWork) {
  // Gloo has no sockets where a process may have few files.
  const Ended ended =
      shell("{ ulimit -n 12; LOADPROOF_NCCL_PART=/nonexistent/part.so " +
            shell_word(LOADPROOF_PROGRAM) + " doctor ; } > " + path("out") + " 2> " + path("err"));
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("backend gloo   no    "));
  EXPECT_THAT(ended.out, HasSubstr("See that the interface lo is up"));
}

}  // namespace
}  // namespace loadproof::harness
