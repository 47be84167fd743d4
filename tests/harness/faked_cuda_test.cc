// The program on CUDA tensors, over a CUDA runtime that is faked on the host: all of our own code
// and torch's allocator, and none of torch's kernels, which a fake does not have. Needs the CUDA
// libraries that torch's wheel names.
#include <gmock/gmock.h>

#include "tests/harness/program.h"

#ifdef LOADPROOF_FAKE_CUDA_LIBRARY

namespace loadproof::harness {
namespace {

using testing::HasSubstr;

class FakedCuda : public Program {
 protected:
  static constexpr const char* kScenario = "scenarios/gpu/unwritten_memory.yaml";

  void SetUp() override {
    Program::SetUp();
    const Ended doctor = run_faked("doctor");
    if (doctor.out.find("GPU 0") == std::string::npos)
      GTEST_SKIP() << "CUDA cannot be faked here: " << doctor.out << doctor.err;
  }
  Ended run_faked(const std::string& arguments) const {
    return run(arguments,
               "LD_PRELOAD=" + shell_word(LOADPROOF_FAKE_CUDA_LIBRARY) + " LOADPROOF_FAKE_CUDA=1");
  }
};

TEST_F(FakedCuda, FindsWhatNobodyWroteUnderEveryFill) {
  const Ended ended = run_faked(std::string("run --fill all --twice ") + kScenario);
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("18 cases: 18 passed"));
}

TEST_F(FakedCuda, LetsProcessesShareADevice) {
  const Ended ended = run_faked(std::string("launch --ranks 2 ") + kScenario);
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("3 cases: 3 passed"));
}

TEST_F(FakedCuda, LeavesOutWhatNeedsMoreDevices) {
  const Ended ended = run_faked(std::string("run --backend nccl ") + kScenario);
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("(needs 2 GPUs, and this machine has 1)"));
  EXPECT_THAT(ended.out, HasSubstr("3 cases: 0 passed, 3 skipped"));
}

TEST_F(FakedCuda, TellsADeviceThatDoesNotWorkFromOneThatDoes) {
  EXPECT_THAT(run_faked("doctor").out, HasSubstr("device cuda    no    what was written is not "
                                                 "there"));  // fill_ is one of torch's kernels
}

}  // namespace
}  // namespace loadproof::harness

#endif
