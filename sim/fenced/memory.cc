#include "sim/fenced/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "sim/check.h"

namespace loadproof::sim {
namespace {

constexpr size_t kAlignment = 512;

std::byte* map_range(int rights) {
  void* begin = ::mmap(nullptr, kFencedBytes, rights,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  SIM_CHECK(begin != MAP_FAILED, "no {} bytes of addresses for the fenced device", kFencedBytes);
  return static_cast<std::byte*>(begin);
}

class Memory {
 public:
  void* allocate(size_t bytes) {
    const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    const std::lock_guard lock(mutex_);
    std::vector<size_t>& reusable = free_[size];
    size_t offset = end_;
    if (!reusable.empty()) {
      offset = reusable.back();
      reusable.pop_back();
    } else if (size > kFencedBytes - end_) {
      return nullptr;
    } else {
      end_ += size;
    }
    live_.emplace(offset, size);
    fill_bytes(bytes_ + offset, size, fill_);
    return fence_ + offset;
  }

  void free(void* address) {
    const auto offset = static_cast<size_t>(static_cast<std::byte*>(address) - fence_);
    const std::lock_guard lock(mutex_);
    const auto block = live_.find(offset);
    SIM_CHECK(block != live_.end(), "{} is no live block of the fenced device", address);
    fill_words(bytes_ + offset, block->second, kFreedWord);
    free_[block->second].push_back(offset);
    live_.erase(block);
  }

  void set_fill(Fill fill) {
    const std::lock_guard lock(mutex_);
    fill_ = fill;
  }

  void* behind(const void* address) {
    const ptrdiff_t offset = static_cast<const std::byte*>(address) - fence_;
    SIM_CHECK(offset >= 0 && static_cast<size_t>(offset) <= kFencedBytes,
              "{} is no address of the fenced device", address);
    return bytes_ + offset;
  }

 private:
  std::byte* const fence_ = map_range(PROT_NONE);
  std::byte* const bytes_ = map_range(PROT_READ | PROT_WRITE);
  std::mutex mutex_;  // of all below
  Fill fill_ = Fill::kNan;
  size_t end_ = 0;
  std::map<size_t, size_t> live_;                // offset: size
  std::map<size_t, std::vector<size_t>> free_;  // by size; the last freed is the first reused
};

// Never destroyed: libraries free tensors in their static destructors.
Memory& memory() {
  static Memory& all = *new Memory;
  return all;
}

}  // namespace

void* allocate_fenced(size_t bytes) { return memory().allocate(bytes); }
void free_fenced(void* address) { memory().free(address); }
void set_fenced_fill(Fill fill) { memory().set_fill(fill); }
void* behind_fence(const void* address) {
  return address == nullptr ? nullptr : memory().behind(address);
}

}  // namespace loadproof::sim
