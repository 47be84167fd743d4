// The two symbols of libloadproof_nccl.so (sim/backends/nccl_part.h).
#include "sim/backends/nccl/backend.h"
#include "sim/backends/nccl/devices.h"
#include "sim/backends/nccl/world.h"
#include "sim/backends/nccl_part.h"
#include "sim/cuda/accelerator.h"

namespace loadproof::sim {
namespace {

class Part final : public NcclPart {
 public:
  Part() { make_nccl_errors_results(); }
  CudaMachine machine() override { return look_at_devices(); }
  Result<std::unique_ptr<Backend>> make_backend(int ranks) override {
    return make_backend_of_devices(ranks);
  }
  Result<std::unique_ptr<Backend>> make_job_backend(const NcclJob& job) override {
    return make_backend_of_job(job);
  }
  Result<Accelerator*> accelerator(DeviceLedger& ledger) override {
    return make_cuda_accelerator(ledger);
  }
};

}  // namespace
}  // namespace loadproof::sim

extern "C" {

__attribute__((visibility("default"))) uint64_t loadproof_nccl_part_version() {
  return loadproof::sim::kNcclPartVersion;
}

__attribute__((visibility("default"))) loadproof::sim::NcclPart* loadproof_nccl_part() {
  static loadproof::sim::Part part;
  return &part;
}
}
