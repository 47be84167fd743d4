#include "sim/backends/nccl/devices.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <torch/csrc/distributed/c10d/NCCLUtils.hpp>

namespace loadproof::sim {
namespace {

// CUDA's 13000 is "13.0".
std::string cuda_version(int version) {
  return version == 0 ? "" : fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

// NCCL's 22809 is "2.28.9".
std::string nccl_version() {
  const int version = c10d::getNcclVersionNumber();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

// The free memory makes a context on the device, a few hundred MiB of it.
CudaDevice look_at(int index) {
  CudaDevice device;
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, index) == cudaSuccess)
    device = {properties.name, static_cast<int64_t>(properties.totalGlobalMem), 0};
  size_t free = 0, total = 0;
  if (cudaSetDevice(index) == cudaSuccess && cudaMemGetInfo(&free, &total) == cudaSuccess)
    device.memory_free = static_cast<int64_t>(free);
  return device;
}

}  // namespace

CudaMachine look_at_devices() {
  CudaMachine seen;
  seen.nccl = nccl_version();
  int driver = 0, runtime = 0, count = 0, before = 0;
  static_cast<void>(cudaDriverGetVersion(&driver));
  static_cast<void>(cudaRuntimeGetVersion(&runtime));
  seen.driver = cuda_version(driver);
  seen.runtime = cuda_version(runtime);
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    seen.why_none = driver == 0 ? "this machine has no NVIDIA driver" : cudaGetErrorString(error);
    static_cast<void>(cudaGetLastError());  // which would else be told to who asks next
    return seen;
  }
  if (count == 0) seen.why_none = "CUDA sees no device";
  const bool had_device = count > 0 && cudaGetDevice(&before) == cudaSuccess;
  for (int index = 0; index < count; ++index) seen.devices.push_back(look_at(index));
  if (had_device) static_cast<void>(cudaSetDevice(before));
  static_cast<void>(cudaGetLastError());
  return seen;
}

}  // namespace loadproof::sim
