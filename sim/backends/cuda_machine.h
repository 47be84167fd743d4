// What a process sees of this machine's GPUs, as plain values without a header of torch or CUDA.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace loadproof::sim {

struct CudaDevice {
  std::string name;
  int64_t memory_total = 0, memory_free = 0;  // bytes
  bool operator==(const CudaDevice&) const = default;
};

struct CudaMachine {
  std::string nccl;              // "2.28.9"
  std::string driver, runtime;   // the newest CUDA that the driver knows, and ours; "13.0", or none
  std::vector<CudaDevice> devices;
  std::string why_none;          // what CUDA says where there is no device
  bool operator==(const CudaMachine&) const = default;
};

}  // namespace loadproof::sim
