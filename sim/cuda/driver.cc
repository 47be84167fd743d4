#include "sim/cuda/driver.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <string>

namespace loadproof::sim {
namespace {

// All of these are as they were in CUDA 12.
constexpr unsigned kVersion = 12000;

template <typename Function>
Result<void> get(const char* symbol, Function& function) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult state = cudaDriverEntryPointSymbolNotFound;
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion(symbol, &found, kVersion, cudaEnableDefault, &state);
  static_cast<void>(cudaGetLastError());
  if (error != cudaSuccess)
    return fail(
        fmt::format("CUDA's driver does not give {}: {}", symbol, cudaGetErrorString(error)));
  if (state != cudaDriverEntryPointSuccess || found == nullptr)
    return fail(fmt::format("CUDA's driver has no {} (state {})", symbol, static_cast<int>(state)));
  function = reinterpret_cast<Function>(found);
  return {};
}

}  // namespace

void Driver::check(CUresult result, const char* what) const {
  if (result == CUDA_SUCCESS) return;
  const char* text = nullptr;
  if (error_string(result, &text) != CUDA_SUCCESS || text == nullptr) text = "unknown error";
  TORCH_CHECK(false, "CUDA error in ", what, ": ", text, " (", static_cast<int>(result), ")");
}

Result<Driver> get_driver() {
  Driver driver;
  for (const Result<void>& got :
       {get("cuGetErrorString", driver.error_string), get("cuMemsetD16Async", driver.memset_d16),
        get("cuModuleLoadData", driver.load_module),
        get("cuModuleGetFunction", driver.get_function), get("cuLaunchKernel", driver.launch)})
    if (!got) return tl::make_unexpected(got.error());
  return driver;
}

// The forced cudaSetDevice gives this thread the device's context even where it is on that device.
OnDevice::OnDevice(int8_t device) : device_(device) {
  C10_CUDA_CHECK(c10::cuda::GetDevice(&before_));
  C10_CUDA_CHECK(c10::cuda::SetDevice(device_, /*force=*/true));
}

OnDevice::~OnDevice() {
  if (before_ != device_) static_cast<void>(c10::cuda::MaybeSetDevice(before_));
}

}  // namespace loadproof::sim
