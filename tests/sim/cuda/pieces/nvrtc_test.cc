// The kernels as NVRTC compiles them, for kinds of devices that need not be here.
#include "sim/cuda/nvrtc.h"

#include <gmock/gmock.h>

#include "sim/cuda/kernels.h"

namespace loadproof::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Compiled : public ::testing::TestWithParam<int> {};

TEST_P(Compiled, HasEveryKernel) {
  if (const Result<void> found = find_nvrtc(); !found) GTEST_SKIP() << found.error().message;
  const Result<std::string> cubin = compile_kernels(scan_kernels_source(), GetParam());
  ASSERT_TRUE(cubin) << cubin.error().message;
  EXPECT_THAT(*cubin, StartsWith("\x7f"
                                 "ELF"));
  for (const char* name : scan_kernel_names())
    EXPECT_THAT(*cubin, HasSubstr(std::string(".text.") + name)) << name;
}

INSTANTIATE_TEST_SUITE_P(Nvrtc, Compiled, ::testing::Values(kScanKernelsNeed, 90, 100, 120));

TEST(Nvrtc, SaysWhatIsWrong) {
  if (const Result<void> found = find_nvrtc(); !found) GTEST_SKIP() << found.error().message;
  const Result<std::string> none = compile_kernels("__global__ void f() { g(); }", 90);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, StartsWith("NVRTC cannot compile for sm_90: "));
  EXPECT_THAT(none.error().message, HasSubstr("\"g\" is undefined"));
  EXPECT_THAT(compile_kernels(scan_kernels_source(), 12).error().message,
              StartsWith("NVRTC cannot compile for sm_12: "));
}

}  // namespace
}  // namespace loadproof::sim
