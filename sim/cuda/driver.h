// The few functions of CUDA's driver that its runtime has not, gotten through the runtime, so that
// nothing links libcuda: and whose device a thread works on. Part of libloadproof_nccl.so; for .cc
// files only. TRIED with a faked CUDA; NEVER RUN on a device.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "sim/result.h"

namespace loadproof::sim {

struct Driver {
  decltype(&cuGetErrorString) error_string = nullptr;
  decltype(&cuMemsetD16Async) memset_d16 = nullptr;
  decltype(&cuModuleLoadData) load_module = nullptr;
  decltype(&cuModuleGetFunction) get_function = nullptr;
  decltype(&cuLaunchKernel) launch = nullptr;

  // Throws c10::Error where it is none; `what` was tried.
  void check(CUresult result, const char* what) const;
};

// An error where there is no driver, or one that is older than CUDA 13.
Result<Driver> get_driver();

// While it lives, the calling thread works on a device and has its context, which the driver's
// functions need, unlike the runtime's. Throws what torch throws.
class OnDevice {
 public:
  explicit OnDevice(int8_t device);
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int8_t device_, before_ = 0;
};

}  // namespace loadproof::sim
