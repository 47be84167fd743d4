// The backend that moves bytes between GPUs: one c10d::ProcessGroupNCCL per rank, rank r on device
// r, all in this process; or the one of a rank whose process this is. Part of libloadproof_nccl.so.
//
// One transfer after the other, each member on a thread of its own. Sums are NCCL's, whose order of
// adding may be another than that of the other backends: then so are the last bits of a sum of
// floats that is not exact. NEVER RUN on a device.
#pragma once

#include <memory>

#include "sim/backends/backend.h"
#include "sim/backends/nccl_part.h"

namespace loadproof::sim {

// An error where there are fewer devices than ranks.
Result<std::unique_ptr<Backend>> make_backend_of_devices(int ranks);
// An error where the rank's device is not there.
Result<std::unique_ptr<Backend>> make_backend_of_job(const NcclJob& job);

}  // namespace loadproof::sim
