#include "sim/cuda/writer.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "sim/cuda/driver.h"
#include "sim/cuda/repeat.h"

namespace loadproof::sim {
namespace {

constexpr size_t kPatternBytes = 2 * kStaleWords;

class CudaWriter final : public DeviceWriter {
 public:
  explicit CudaWriter(const Driver& driver) : driver_(driver) {}

  StreamPlace here() override {
    const c10::DeviceIndex device = c10::cuda::current_device();
    return {device, c10::cuda::getCurrentCUDAStream(device).stream()};
  }

  void fill(StreamPlace place, void* data, size_t bytes, Fill fill) override {
    const OnDevice guard(place.device);
    if (fill == Fill::kStale) {
      stale(place, static_cast<std::byte*>(data), bytes);
    } else {
      words(place, static_cast<std::byte*>(data), bytes, info(fill).word);
    }
  }

  void fill_freed(StreamPlace place, void* data, size_t bytes) noexcept override {
    try {
      const OnDevice guard(place.device);
      words(place, static_cast<std::byte*>(data), bytes, kFreedWord);
    } catch (...) {
      static_cast<void>(cudaGetLastError());  // which would else be told to who asks next
    }
  }

 private:
  // REQUIRES: an even address, as all of torch's are.
  void words(StreamPlace place, std::byte* data, size_t bytes, uint16_t word) {
    const size_t even = bytes / 2 * 2;
    if (even > 0)
      driver_.check(
          driver_.memset_d16(reinterpret_cast<CUdeviceptr>(data), word, even / 2, place.stream),
          "cuMemsetD16Async");
    if (bytes > even) C10_CUDA_CHECK(cudaMemsetAsync(data + even, word & 0xFF, 1, place.stream));
  }

  void stale(StreamPlace place, std::byte* data, size_t bytes) {
    const void* pattern = pattern_on(place);
    const auto copy = [&](std::byte* to, const void* from, size_t length) {
      C10_CUDA_CHECK(cudaMemcpyAsync(to, from, length, cudaMemcpyDeviceToDevice, place.stream));
    };
    repeat_pattern(
        bytes, kPatternBytes, [&](size_t first) { copy(data, pattern, first); },
        [&](size_t at, size_t more) { copy(data + at, data, more); });
  }

  // Made when it is first needed on a device, for good.
  const void* pattern_on(StreamPlace place) {
    const std::scoped_lock lock(mutex_);
    void*& made = patterns_[place.device];
    if (made != nullptr) return made;
    std::vector<uint16_t> words(kStaleWords);
    for (size_t i = 0; i < words.size(); ++i) words[i] = stale_word(i);
    void* fresh = nullptr;
    C10_CUDA_CHECK(cudaMalloc(&fresh, kPatternBytes));
    C10_CUDA_CHECK(
        cudaMemcpyAsync(fresh, words.data(), kPatternBytes, cudaMemcpyHostToDevice, place.stream));
    C10_CUDA_CHECK(cudaStreamSynchronize(place.stream));  // others may use it on any stream
    return made = fresh;
  }

  const Driver& driver_;
  std::mutex mutex_;
  std::map<c10::DeviceIndex, void*> patterns_;
};

}  // namespace

std::unique_ptr<DeviceWriter> make_device_writer(const Driver& driver) {
  return std::make_unique<CudaWriter>(driver);
}

}  // namespace loadproof::sim
