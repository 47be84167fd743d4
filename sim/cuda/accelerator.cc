#include "sim/cuda/accelerator.h"

#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "sim/backends/caught.h"
#include "sim/backends/nccl/devices.h"
#include "sim/cuda/driver.h"
#include "sim/cuda/poisoned_allocator.h"
#include "sim/cuda/scans.h"
#include "sim/cuda/writer.h"

namespace loadproof::sim {
namespace {

class CudaAccelerator final : public Accelerator {
 public:
  CudaAccelerator(int devices, std::unique_ptr<DeviceScans> scans, PoisonedDeviceMemory& memory)
      : devices_(devices), scans_(std::move(scans)), memory_(memory) {}

  std::string_view name() const override { return "cuda"; }
  at::Device device_of(int rank) const override {
    return {at::kCUDA, static_cast<c10::DeviceIndex>(rank % devices_)};
  }
  void set_fill(Fill fill) override { memory_.set_fill(fill); }
  at::Generator generator(at::Device device, uint64_t seed) override {
    at::Generator made = at::make_generator<at::CUDAGeneratorImpl>(device.index());
    made.set_current_seed(seed);
    return made;
  }
  ElementCounts count(const at::Tensor& values) override { return scans_->count(values); }
  std::optional<int64_t> first_difference(const at::Tensor& a, const at::Tensor& b) override {
    return scans_->first_difference(a, b);
  }
  std::vector<uint64_t> block_digests(const at::Tensor& values) override {
    return scans_->block_digests(values);
  }

 private:
  int devices_;
  std::unique_ptr<DeviceScans> scans_;
  PoisonedDeviceMemory& memory_;
};

// Before anything is poisoned or counted, so that it is on no rank: cuBLAS's work space, which
// torch allocates once for a device.
void start_up(int devices) {
  at::globalContext().lazyInitDevice(at::kCUDA);
  for (int device = 0; device < devices; ++device) {
    const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    static_cast<void>(at::cuda::getCurrentCUDABlasHandle());
    static_cast<void>(at::cuda::getCUDABlasLtWorkspace());
  }
}

// For good: c10 has no way to give an allocator back while blocks of it are in use.
PoisonedDeviceMemory& poison_devices(const Driver& driver, DeviceLedger& ledger) {
  namespace caching = c10::cuda::CUDACachingAllocator;
  constexpr uint8_t kPriority = 100;  // above torch's own
  DeviceWriter& writer = *make_device_writer(driver).release();
  PoisonedDeviceMemory& memory = *poison_device_memory(*caching::get(), writer, ledger).release();
  caching::allocator.store(&memory.allocator());
  c10::SetAllocator(c10::kCUDA, &memory.allocator(), kPriority);
  return memory;
}

Result<std::unique_ptr<Accelerator>> make(DeviceLedger& ledger) {
  const CudaMachine machine = look_at_devices();
  if (machine.devices.empty())
    return fail(fmt::format("there is no CUDA device: {}", machine.why_none));
  const auto devices = static_cast<int>(machine.devices.size());
  if (!at::hasCUDA())
    return fail(
        "torch was asked for CUDA before this part was loaded, and will not ask again: it "
        "must be opened first");
  // Never destroyed: what frees memory at the very end calls it.
  static const Result<Driver>& driver = *new Result<Driver>(get_driver());
  if (!driver) return tl::make_unexpected(driver.error());
  Result<std::unique_ptr<DeviceScans>> scans = make_device_scans(*driver, devices);
  if (!scans) return tl::make_unexpected(scans.error());
  if (const Result<void> started = caught([&] { start_up(devices); }); !started)
    return fail(fmt::format("CUDA does not start: {}", started.error().message));
  return std::make_unique<CudaAccelerator>(devices, std::move(*scans),
                                           poison_devices(*driver, ledger));
}

}  // namespace

Result<Accelerator*> make_cuda_accelerator(DeviceLedger& ledger) {
  static Accelerator* the_one = nullptr;
  if (the_one == nullptr) {
    Result<std::unique_ptr<Accelerator>> made = make(ledger);
    if (!made) return tl::make_unexpected(made.error());
    the_one = made->release();
  }
  return the_one;
}

}  // namespace loadproof::sim
