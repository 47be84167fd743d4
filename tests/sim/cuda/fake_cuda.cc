// A CUDA runtime whose one device is the host: its memory is malloc's, its streams do at once what
// they are given, and of kernels it runs the scans' own. Preloaded before libcudart, it lets the
// tests of tests/sim/cuda/device run on a machine without a device: all of our own code then runs,
// and torch's allocator and copies, too. It shows nothing of what a real device does out of order.
#include <cublas_v2.h>
#include <cuda.h>
#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sim/cuda/host_grid.h"

namespace loadproof::sim::on_host {
using namespace host_grid;
using host_grid::uint4;
#include "sim/cuda/scan_kernels.inc"
}  // namespace loadproof::sim::on_host

namespace {

namespace grid = loadproof::sim::host_grid;
namespace kernels = loadproof::sim::on_host;

constexpr size_t kMemory = size_t{2} << 30;
thread_local bool has_context = false;
thread_local cudaError_t last_error = cudaSuccess;

// What a driver's function says on a thread that has not set its device.
CUresult in_context() { return has_context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT; }

CUresult fake_error_string(CUresult, const char** text) {
  *text = "a fake driver's error";
  return CUDA_SUCCESS;
}
CUresult fake_memset_d16(CUdeviceptr to, unsigned short word, size_t count, CUstream) {
  if (to % 2 != 0) return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < count; ++i) reinterpret_cast<unsigned short*>(to)[i] = word;
  return in_context();
}
CUresult fake_load_module(CUmodule* module, const void* image) {
  if (std::string_view(static_cast<const char*>(image), 4) !=
      "\x7f"
      "ELF")
    return CUDA_ERROR_INVALID_IMAGE;
  *module = reinterpret_cast<CUmodule>(1);
  return in_context();
}

// Of a buffer, a number and where the answer goes.
using OfOne = void (*)(const unsigned char*, unsigned long long, unsigned long long*);
struct Named {
  std::string_view name;
  OfOne of_one;
};
constexpr Named kKernels[] = {
    {"count_int8", kernels::count_int8},
    {"count_int16", kernels::count_int16},
    {"count_int32", kernels::count_int32},
    {"count_int64", kernels::count_int64},
    {"count_float8_e4m3fn", kernels::count_float8_e4m3fn},
    {"count_float8_e5m2", kernels::count_float8_e5m2},
    {"count_float16", kernels::count_float16},
    {"count_bfloat16", kernels::count_bfloat16},
    {"count_float32", kernels::count_float32},
    {"count_float64", kernels::count_float64},
    {"block_digests", kernels::block_digests},
    {"first_difference", nullptr},
};

CUresult fake_get_function(CUfunction* function, CUmodule, const char* name) {
  for (const Named& one : kKernels)
    if (one.name == name) {
      *function = reinterpret_cast<CUfunction>(const_cast<Named*>(&one));
      return in_context();
    }
  return CUDA_ERROR_NOT_FOUND;
}
CUresult fake_launch(CUfunction function, unsigned blocks, unsigned, unsigned, unsigned threads,
                     unsigned, unsigned, unsigned, CUstream, void** arguments, void**) {
  using Data = const unsigned char*;
  using Number = unsigned long long;
  const auto* one = reinterpret_cast<const Named*>(function);
  const auto data = [&](int i) { return *static_cast<Data*>(arguments[i]); };
  const auto number = [&](int i) { return *static_cast<Number*>(arguments[i]); };
  const auto answer = [&](int i) { return *static_cast<Number**>(arguments[i]); };
  if (one->of_one != nullptr) {
    grid::launch(blocks, threads, one->of_one, data(0), number(1), answer(2));
  } else {
    grid::launch(blocks, threads, kernels::first_difference, data(0), data(1), number(2),
                 answer(3));
  }
  return in_context();
}
CUresult fake_context_state(CUdevice, unsigned*, int* active) {
  *active = 1;
  return CUDA_SUCCESS;
}

struct Symbol {
  std::string_view name;
  void* function;
};
const Symbol kSymbols[] = {
    {"cuGetErrorString", reinterpret_cast<void*>(&fake_error_string)},
    {"cuMemsetD16Async", reinterpret_cast<void*>(&fake_memset_d16)},
    {"cuModuleLoadData", reinterpret_cast<void*>(&fake_load_module)},
    {"cuModuleGetFunction", reinterpret_cast<void*>(&fake_get_function)},
    {"cuLaunchKernel", reinterpret_cast<void*>(&fake_launch)},
    {"cuDevicePrimaryCtxGetState", reinterpret_cast<void*>(&fake_context_state)},
};

void* symbol_named(std::string_view name) {
  for (const Symbol& one : kSymbols)
    if (one.name == name) return one.function;
  return nullptr;
}

template <typename Handle>
cudaError_t make(Handle* handle) {
  static std::atomic<uintptr_t> made = 16;
  *handle = reinterpret_cast<Handle>(made += 16);
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
  has_context = true;
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "the host as a device");
  properties->totalGlobalMem = kMemory;
  properties->major = 9;
  properties->multiProcessorCount = 2;
  properties->warpSize = 32;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
  *value = which == cudaDevAttrComputeCapabilityMajor ? 9
           : which == cudaDevAttrMultiProcessorCount  ? 2
                                                      : 0;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = kMemory;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** to, size_t bytes) {
  *to = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  has_context = true;
  return *to ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void* block) { return std::free(block), cudaSuccess; }
cudaError_t cudaMallocHost(void** to, size_t bytes) { return cudaMalloc(to, bytes); }
cudaError_t cudaHostAlloc(void** to, size_t bytes, unsigned) { return cudaMalloc(to, bytes); }
cudaError_t cudaFreeHost(void* block) { return cudaFree(block); }
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  return std::memcpy(to, from, bytes), cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  return std::memmove(to, from, bytes), cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  return std::memset(to, value, bytes), cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return std::memset(to, value, bytes), cudaSuccess;
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  return *status = cudaStreamCaptureStatusNone, cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*) { return cudaSuccess; }
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  return make(stream);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return make(stream); }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return make(event); }
cudaError_t cudaEventCreate(cudaEvent_t* event) { return make(event); }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventRecordWithFlags(cudaEvent_t, cudaStream_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) { return *can = 0, cudaSuccess; }
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  *attributes = {};
  attributes->type = cudaMemoryTypeDevice;
  return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* state) {
  *function = symbol_named(name);
  if (std::getenv("LOADPROOF_FAKE_CUDA_TELLS") && *function == nullptr)
    std::fprintf(stderr, "no %s\n", name);
  if (state) *state = *function ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPoint(const char* name, void** function, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* state) {
  return cudaGetDriverEntryPointByVersion(name, function, 0, flags, state);
}
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t) {
  return last_error = cudaErrorNotSupported;  // of torch's kernels
}

// Of the driver: torch's own table of it needs all of these to load, and asks one.
CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  return fake_context_state(device, flags, active);
}
CUresult cuCtxGetCurrent(CUcontext* context) {
  *context = reinterpret_cast<CUcontext>(uintptr_t{has_context});
  return CUDA_SUCCESS;
}
#define REFUSED(name)                   \
  CUresult refused_##name() asm(#name); \
  CUresult refused_##name() { return CUDA_ERROR_NOT_SUPPORTED; }
REFUSED(cuCtxSetCurrent)
REFUSED(cuDeviceGet)
REFUSED(cuDeviceGetAttribute)
REFUSED(cuDevicePrimaryCtxRetain)
REFUSED(cuFuncGetAttribute)
REFUSED(cuFuncSetAttribute)
REFUSED(cuFuncSetCacheConfig)
REFUSED(cuGetErrorString)
REFUSED(cuLaunchCooperativeKernel)
REFUSED(cuLaunchKernel)
REFUSED(cuLinkAddData_v2)
REFUSED(cuLinkComplete)
REFUSED(cuLinkCreate_v2)
REFUSED(cuModuleGetFunction)
REFUSED(cuModuleLoad)
REFUSED(cuModuleLoadData)
REFUSED(cuModuleLoadDataEx)
REFUSED(cuModuleUnload)
REFUSED(cuOccupancyMaxActiveBlocksPerMultiprocessor)
REFUSED(cuPointerGetAttribute)
REFUSED(cuTensorMapEncodeTiled)
#undef REFUSED

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  make(handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void*, size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
}
