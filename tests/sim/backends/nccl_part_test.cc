// The NCCL part as far as this machine has it: each test says which answer it got, and asserts it.
#include "sim/backends/nccl_part.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/sim/backends/examples.h"

namespace loadproof::sim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// That of this build, unless the environment says where it has gone.
const std::string kPart = [] {
  if (const char* elsewhere = std::getenv("LOADPROOF_NCCL_PART")) return elsewhere;
#ifdef LOADPROOF_NCCL_PART
  return LOADPROOF_NCCL_PART;
#else
  return "/nonexistent/libloadproof_nccl.so";  // this build has none
#endif
}();

std::string why_not_open(const std::string& file) {
  const Result<NcclPart*> part = open_nccl_part(file);
  return part ? "" : part.error().message;
}

// The file of the library that has a function.
std::string library_of(const void* function) {
  Dl_info info{};
  return dladdr(function, &info) != 0 ? info.dli_fname : "";
}

TEST(NcclPart, FindsTheLibraryThatALoaderMisses) {
  const char* message =
      "libcufile.so.0: cannot open shared object file: No such file or directory";
  EXPECT_EQ(library_not_found(message), "libcufile.so.0");
  EXPECT_EQ(library_not_found("/x.so: invalid ELF header"), "");
  EXPECT_EQ(pip_package_of("libcufile.so.0"), "nvidia-cufile~=1.15");
  EXPECT_EQ(pip_package_of("libnccl.so.2"), "nvidia-nccl-cu13==2.28.9");
  EXPECT_EQ(pip_package_of("libm.so.6"), "");
}

TEST(NcclPart, SaysThatABuildHasNone) {
  EXPECT_THAT(why_not_open("/nonexistent/part.so"),
              StartsWith("this build has no NCCL part: there is no /nonexistent/part.so; "));
}

TEST(NcclPart, SaysThatAFileIsNoLibrary) {
  EXPECT_THAT(why_not_open("README.md"),
              AllOf(StartsWith("the NCCL part cannot be loaded: "), HasSubstr("README.md")));
}

TEST(NcclPart, SaysThatALibraryIsNoPart) {
  const std::string libc = library_of(reinterpret_cast<const void*>(&std::getenv));
  EXPECT_EQ(why_not_open(libc), libc + " is no NCCL part of loadproof");
}

TEST(NcclPart, IsRefusedWhenItIsOfAnotherBuild) {
  EXPECT_EQ(why_not_open(LOADPROOF_PART_OF_ANOTHER_BUILD),
            fmt::format("the NCCL part {} is of another build (7, this program needs {}): build "
                        "both anew",
                        LOADPROOF_PART_OF_ANOTHER_BUILD, kNcclPartVersion));
}

TEST(NcclPart, LiesBesideTheProgramUnlessTheEnvironmentSaysOtherwise) {
  ::unsetenv("LOADPROOF_NCCL_PART");
  EXPECT_THAT(nccl_part_file(), ::testing::EndsWith("/libloadproof_nccl.so"));
  ::setenv("LOADPROOF_NCCL_PART", "/x/part.so", 1);
  EXPECT_EQ(nccl_part_file(), "/x/part.so");
  EXPECT_THAT(make_backend("nccl", 1).error().message, HasSubstr("there is no /x/part.so"));
  ::unsetenv("LOADPROOF_NCCL_PART");
}

TEST(NcclPart, LoadsOrNamesWhatIsMissing) {
  const Result<NcclPart*> part = open_nccl_part(kPart);
  if (part) {
    EXPECT_EQ(open_nccl_part(kPart), part) << "the second time";
    return;
  }
  const std::string& why = part.error().message;
  RecordProperty("why_not", why);
#ifdef LOADPROOF_NCCL_PART
  constexpr std::string_view kStart = "the NCCL part cannot be loaded: ";
  ASSERT_THAT(why, StartsWith(kStart));
  const std::string_view missing = library_not_found(std::string_view(why).substr(kStart.size()));
  ASSERT_NE(pip_package_of(missing), "") << why;
  EXPECT_THAT(why, HasSubstr("Missing: "));
  EXPECT_THAT(why, HasSubstr("python3 -m pip install --no-deps --target "));
  EXPECT_THAT(why, HasSubstr(std::string(pip_package_of(missing))));
#else
  EXPECT_THAT(why, StartsWith("this build has no NCCL part"));
#endif
}

TEST(NcclPart, SaysWhatDevicesThereAre) {
  const Result<NcclPart*> part = open_nccl_part(kPart);
  if (!part) GTEST_SKIP() << part.error().message;  // LoadsOrNamesWhatIsMissing asserts it
  const CudaMachine machine = (*part)->machine();
  EXPECT_THAT(machine.nccl, StartsWith("2.28."));
  EXPECT_THAT(machine.runtime, StartsWith("13."));
  EXPECT_EQ(machine.devices.empty(), !machine.why_none.empty());
  for (const CudaDevice& device : machine.devices) {
    EXPECT_NE(device.name, "");
    EXPECT_GT(device.memory_total, 0);
    EXPECT_LE(device.memory_free, device.memory_total);
  }
  const int too_many = static_cast<int>(machine.devices.size()) + 1;
  const auto backend = (*part)->make_backend(too_many);
  ASSERT_FALSE(backend);
  EXPECT_THAT(backend.error().message,
              StartsWith("the nccl backend needs a GPU for each rank"));
  if (machine.devices.empty()) {
    EXPECT_THAT(backend.error().message, HasSubstr("there is no device: " + machine.why_none));
  }
}

class NoLedger final : public DeviceLedger {
 public:
  std::string charge(const void*, size_t) override { return ""; }
  void release(const void*) override {}
};

TEST(NcclPart, SaysThatThereIsNothingToAccelerateWith) {
  const Result<NcclPart*> part = open_nccl_part(kPart);
  if (!part) GTEST_SKIP() << part.error().message;
  const CudaMachine machine = (*part)->machine();
  if (!machine.devices.empty()) GTEST_SKIP() << "there is a device";
  NoLedger ledger;
  for (int again = 0; again < 2; ++again) {
    const Result<Accelerator*> none = (*part)->accelerator(ledger);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().message, "there is no CUDA device: " + machine.why_none);
  }
}

// --- what needs a device -----------------------------------------------------------------------

TEST(NcclPart, MovesTheSameBytesAsTheSimBackend) {
  const Result<NcclPart*> part = open_nccl_part(kPart);
  if (!part) GTEST_SKIP() << part.error().message;
  const CudaMachine machine = (*part)->machine();
  if (machine.devices.empty()) GTEST_SKIP() << machine.why_none;
  const int ranks = std::min(static_cast<int>(machine.devices.size()), 4);
  const auto made = (*part)->make_backend(ranks);
  ASSERT_TRUE(made) << made.error().message;
  const auto sim = backend_of("sim", ranks);
  for (Collective op : kAllCollectives) {
    const bool is_send = op == Collective::kSend;
    if (is_send && ranks < 2) continue;
    for (int source = 0; source < (is_send ? 1 : ranks); ++source) {
      const Transfer here = example_of(op, is_send ? 2 : ranks, source);
      const Transfer there = example_of(op, is_send ? 2 : ranks, source);
      ASSERT_TRUE(sim->run({&here, 1}));
      const Result<void> moved = (*made)->run({&there, 1});
      ASSERT_TRUE(moved) << name(op) << ": " << moved.error().message;
      EXPECT_EQ(everything(there), everything(here)) << name(op) << " from " << source;
    }
  }
}

}  // namespace
}  // namespace loadproof::sim
