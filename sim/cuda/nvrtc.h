// NVRTC, CUDA's compiler as a library: a text of kernels to code for one kind of device. It is
// looked for when it is first asked, and needs no device. Part of libloadproof_nccl.so.
#pragma once

#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::sim {

// Whether libnvrtc.so.13 is found, or why not. It is looked for where the loader looks, beside
// CUDA's runtime library, and in /usr/local/cuda.
Result<void> find_nvrtc();

// A cubin for a compute capability (10 × major + minor: 90 is sm_90), or what the compiler says.
Result<std::string> compile_kernels(std::string_view source, int capability);

}  // namespace loadproof::sim
