#include "sim/cuda/scans.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/check.h"
#include "sim/cuda/driver.h"
#include "sim/cuda/kernels.h"
#include "sim/cuda/nvrtc.h"
#include "sim/scalar_type.h"

namespace loadproof::sim {
namespace {

DType dtype_of(const at::Tensor& tensor) {
  for (const DType dtype : kAllDTypes)
    if (scalar_type(dtype) == tensor.scalar_type()) return dtype;
  SIM_CHECK(false, "a scan of scalar type {}", c10::toString(tensor.scalar_type()));
}

void check_scannable(const at::Tensor& tensor) {
  SIM_CHECK(tensor.is_cuda() && tensor.is_non_overlapping_and_dense(),
            "a scan of a tensor on {} that is not dense on a device", tensor.device().str());
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, which, device) != cudaSuccess)
    static_cast<void>(cudaGetLastError());
  return value;
}

// What the kernels need on one device; made when it is first scanned, for good.
struct OnOneDevice {
  std::map<std::string_view, CUfunction> kernels;
  int multiprocessors = 0;
  ScanTotals* answer = nullptr;   // there
  ScanTotals* to_host = nullptr;  // here, pinned
  // Digests of blocks: as many as were ever needed at once. Not torch's memory: no rank's account.
  unsigned long long* digests = nullptr;          // there
  unsigned long long* digests_to_host = nullptr;  // here, pinned
  size_t digests_fit = 0;
};

void make_room(OnOneDevice& here, size_t digests) {
  if (digests <= here.digests_fit) return;
  here.digests_fit = 0;
  C10_CUDA_CHECK(cudaFree(std::exchange(here.digests, nullptr)));
  C10_CUDA_CHECK(cudaFreeHost(std::exchange(here.digests_to_host, nullptr)));
  C10_CUDA_CHECK(cudaMalloc(&here.digests, digests * sizeof *here.digests));
  C10_CUDA_CHECK(cudaMallocHost(&here.digests_to_host, digests * sizeof *here.digests));
  here.digests_fit = digests;
}

class Scans final : public DeviceScans {
 public:
  Scans(const Driver& driver, std::vector<int> capabilities, std::map<int, std::string> cubins)
      : driver_(driver), capabilities_(std::move(capabilities)), cubins_(std::move(cubins)) {}

  ElementCounts count(const at::Tensor& values) override {
    check_scannable(values);
    const DType dtype = dtype_of(values);
    const int64_t elements = values.numel();
    if (elements == 0) return {};
    const void* data = values.const_data_ptr();
    auto number = static_cast<unsigned long long>(elements);
    const ScanTotals totals = run(values.device().index(), count_kernel(dtype),
                                  static_cast<int64_t>(values.nbytes()), {}, {&data, &number});
    return counts_from(totals, elements, dtype);
  }

  std::optional<int64_t> first_difference(const at::Tensor& a, const at::Tensor& b) override {
    check_scannable(a);
    check_scannable(b);
    SIM_CHECK(a.nbytes() == b.nbytes() && a.device() == b.device(),
              "{} bytes on {} are compared with {} on {}", a.nbytes(), a.device().str(), b.nbytes(),
              b.device().str());
    if (a.nbytes() == 0) return std::nullopt;
    const void* left = a.const_data_ptr();
    const void* right = b.const_data_ptr();
    unsigned long long bytes = a.nbytes();
    const ScanTotals totals =
        run(a.device().index(), kFirstDifferenceKernel, static_cast<int64_t>(bytes),
            {kNoDifference}, {&left, &right, &bytes});
    if (totals[0] == kNoDifference) return std::nullopt;
    return static_cast<int64_t>(totals[0]);
  }

  std::vector<uint64_t> block_digests(const at::Tensor& values) override {
    check_scannable(values);
    const size_t bytes = values.nbytes();
    if (bytes == 0) return {};
    const c10::DeviceIndex device = values.device().index();
    const OnDevice guard(device);
    OnOneDevice& here = on(device);
    cudaStream_t stream = c10::cuda::getCurrentCUDAStream(device).stream();
    const auto* data = static_cast<const std::byte*>(values.const_data_ptr());
    unsigned long long whole = bytes / kDigestBlock;
    std::array<std::byte, kDigestBlock> rest;
    const size_t rest_bytes = bytes % kDigestBlock;
    if (rest_bytes > 0)
      C10_CUDA_CHECK(cudaMemcpyAsync(rest.data(), data + whole * kDigestBlock, rest_bytes,
                                     cudaMemcpyDeviceToHost, stream));
    if (whole > 0) {
      make_room(here, whole);
      void* arguments[] = {&data, &whole, &here.digests};
      launch(here, kBlockDigestsKernel, static_cast<int64_t>(bytes), stream, arguments);
      C10_CUDA_CHECK(cudaMemcpyAsync(here.digests_to_host, here.digests,
                                     whole * sizeof *here.digests, cudaMemcpyDeviceToHost,
                                     stream));
    }
    C10_CUDA_CHECK(cudaStreamSynchronize(stream));
    std::vector<uint64_t> all(here.digests_to_host, here.digests_to_host + whole);
    if (rest_bytes > 0) all.push_back(digest(rest.data(), rest_bytes));
    return all;
  }

 private:
  void launch(OnOneDevice& here, const char* kernel, int64_t bytes, cudaStream_t stream,
              void** arguments) {
    driver_.check(driver_.launch(here.kernels.at(kernel), blocks_for(bytes, here.multiprocessors),
                                 1, 1, kThreadsOfBlock, 1, 1, 0, stream, arguments, nullptr),
                  kernel);
  }

  // For the kernels that answer with totals, whose place is their last argument.
  ScanTotals run(c10::DeviceIndex device, const char* kernel, int64_t bytes,
                 const ScanTotals& start, std::vector<void*> arguments) {
    const OnDevice guard(device);
    OnOneDevice& here = on(device);
    cudaStream_t stream = c10::cuda::getCurrentCUDAStream(device).stream();
    *here.to_host = start;
    C10_CUDA_CHECK(
        cudaMemcpyAsync(here.answer, here.to_host, sizeof start, cudaMemcpyHostToDevice, stream));
    arguments.push_back(&here.answer);
    launch(here, kernel, bytes, stream, arguments.data());
    C10_CUDA_CHECK(
        cudaMemcpyAsync(here.to_host, here.answer, sizeof start, cudaMemcpyDeviceToHost, stream));
    C10_CUDA_CHECK(cudaStreamSynchronize(stream));
    return *here.to_host;
  }

  // REQUIRES: the calling thread is on the device.
  OnOneDevice& on(c10::DeviceIndex device) {
    OnOneDevice& here = devices_[device];
    if (!here.kernels.empty()) return here;
    OnOneDevice made;
    made.multiprocessors = std::max(1, attribute(cudaDevAttrMultiProcessorCount, device));
    C10_CUDA_CHECK(cudaMalloc(&made.answer, sizeof *made.answer));
    C10_CUDA_CHECK(cudaMallocHost(&made.to_host, sizeof *made.to_host));
    CUmodule module = nullptr;
    const std::string& cubin = cubins_.at(capabilities_.at(static_cast<size_t>(device)));
    driver_.check(driver_.load_module(&module, cubin.data()), "cuModuleLoadData");
    for (const char* name : scan_kernel_names())
      driver_.check(driver_.get_function(&made.kernels[name], module, name), name);
    return here = std::move(made);
  }

  const Driver& driver_;
  std::vector<int> capabilities_;      // by device
  std::map<int, std::string> cubins_;  // by capability
  std::map<c10::DeviceIndex, OnOneDevice> devices_;
};

}  // namespace

Result<std::unique_ptr<DeviceScans>> make_device_scans(const Driver& driver, int devices) {
  std::vector<int> capabilities;
  std::map<int, std::string> cubins;
  for (int device = 0; device < devices; ++device) {
    const int capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor, device) +
                           attribute(cudaDevAttrComputeCapabilityMinor, device);
    if (capability < kScanKernelsNeed)
      return fail(fmt::format("device {} has compute capability {}.{}, and the scans need {}.{}",
                              device, capability / 10, capability % 10, kScanKernelsNeed / 10,
                              kScanKernelsNeed % 10));
    capabilities.push_back(capability);
    if (cubins.contains(capability)) continue;
    Result<std::string> cubin = compile_kernels(scan_kernels_source(), capability);
    if (!cubin) return tl::make_unexpected(cubin.error());
    cubins.emplace(capability, std::move(*cubin));
  }
  return std::make_unique<Scans>(driver, std::move(capabilities), std::move(cubins));
}

}  // namespace loadproof::sim
