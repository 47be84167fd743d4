// The allocator of device memory over one that hands out the host's, so that it can be read.
#include "sim/cuda/poisoned_allocator.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace loadproof::sim {
namespace {

namespace caching = c10::cuda::CUDACachingAllocator;
using c10::DataPtr, c10::DeviceIndex, c10::MempoolId_t;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kBlock = 512;  // torch's smallest, to which it rounds

// As torch's: a cache of freed blocks, one deleter, which recordStream() insists on.
class FakeTorch final : public caching::CUDAAllocator {
 public:
  FakeTorch() { one_ = this; }
  FakeTorch(const FakeTorch&) = delete;
  FakeTorch& operator=(const FakeTorch&) = delete;
  ~FakeTorch() override {
    for (auto& [size, block] : cache_) std::free(block);
    EXPECT_THAT(sizes_, IsEmpty()) << "blocks that were never given back";
  }
  static void local_delete(void* block) { one_->raw_delete(block); }

  DataPtr allocate(size_t bytes) override {
    void* block = bytes == 0 ? nullptr : raw_alloc(bytes);
    return {block, block, &local_delete, c10::Device(c10::kCUDA, 1)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &local_delete; }
  void* raw_alloc(size_t bytes) override {
    if (is_full) TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory");
    if (bytes == 0) return nullptr;
    const size_t size = (bytes + kBlock - 1) / kBlock * kBlock;
    const auto found = cache_.find(size);
    void* block = found != cache_.end() ? found->second : std::calloc(1, size);
    if (found != cache_.end()) cache_.erase(found);
    sizes_[block] = size;
    return block;
  }
  void* raw_alloc_with_stream(size_t bytes, cudaStream_t) override { return raw_alloc(bytes); }
  void raw_delete(void* block) override {
    if (block == nullptr) return;
    ASSERT_EQ(sizes_.count(block), 1u) << "no block of this allocator";
    cache_.emplace(sizes_[block], block);
    sizes_.erase(block);
  }
  using CUDAAllocator::recordStream;
  void recordStream(const DataPtr& block, c10::cuda::CUDAStream) override {
    if (block.get_deleter() == &local_delete) recorded.push_back(block.get());
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
  std::string name() override { return "fake"; }
  void emptyCache(MempoolId_t) override { ++emptied; }

  // Not asked.
  bool initialized() override { return true; }
  caching::DeviceStats getDeviceStats(DeviceIndex) override { return {}; }
  void resetAccumulatedStats(DeviceIndex) override {}
  void resetPeakStats(DeviceIndex) override {}
  void init(int) override {}
  double getMemoryFraction(DeviceIndex) override { return 1; }
  void setMemoryFraction(double, DeviceIndex) override {}
  std::vector<caching::StreamSegmentSize> getExpandableSegmentSizes(DeviceIndex) override {
    return {};
  }
  void enable(bool) override {}
  bool isEnabled() const override { return true; }
  void cacheInfo(DeviceIndex, size_t*) override {}
  void* getBaseAllocation(void* block, size_t*) override { return block; }
  caching::SnapshotInfo snapshot(MempoolId_t, bool) override { return {}; }
  void beginAllocateToPool(DeviceIndex, MempoolId_t, std::function<bool(cudaStream_t)>) override {}
  void endAllocateToPool(DeviceIndex, MempoolId_t) override {}
  void releasePool(DeviceIndex, MempoolId_t) override {}
  caching::ShareableHandle shareIpcHandle(void*) override { return {}; }
  std::shared_ptr<void> getIpcDevPtr(std::string) override { return nullptr; }
  void recordHistory(bool, caching::CreateContextFn, size_t, caching::RecordContext, bool,
                     const std::vector<std::string>&) override {}
  void attachOutOfMemoryObserver(caching::OutOfMemoryObserver) override {}
  void attachAllocatorTraceTracker(caching::AllocatorTraceTracker) override {}
  void enablePeerAccess(DeviceIndex, DeviceIndex) override {}
  cudaError_t memcpyAsync(void*, int, const void*, int, size_t, cudaStream_t, bool) override {
    return cudaSuccess;
  }
  std::shared_ptr<caching::AllocatorState> getCheckpointState(DeviceIndex, MempoolId_t) override {
    return nullptr;
  }
  caching::CheckpointDelta setCheckpointPoolState(
      DeviceIndex, std::shared_ptr<caching::AllocatorState>) override {
    return {};
  }

  bool is_full = false;
  int emptied = 0;
  std::vector<void*> recorded;

 private:
  static inline FakeTorch* one_ = nullptr;
  std::multimap<size_t, void*> cache_;
  std::map<void*, size_t> sizes_;
};

class HostWriter final : public DeviceWriter {
 public:
  StreamPlace here() override { return {1, nullptr}; }
  void fill(StreamPlace place, void* data, size_t bytes, Fill fill) override {
    if (is_broken) TORCH_CHECK(false, "CUDA error: unspecified launch failure");
    streams.insert(place.stream);
    fill_bytes(data, bytes, fill);
  }
  void fill_freed(StreamPlace, void* data, size_t bytes) noexcept override {
    fill_words(data, bytes, kFreedWord);
  }
  bool is_broken = false;
  std::set<CUstream_st*> streams;
};

class FakeLedger final : public DeviceLedger {
 public:
  std::string charge(const void* block, size_t bytes) override {
    if (bytes > limit) return "no memory: rank 3 asked for too much, and its limit allows no more";
    EXPECT_TRUE(held.emplace(block, bytes).second) << "charged twice";
    return "";
  }
  void release(const void* block) override { EXPECT_EQ(held.erase(block), 1u); }
  std::vector<size_t> sizes() const {
    std::vector<size_t> all;
    for (const auto& [block, bytes] : held) all.push_back(bytes);
    return all;
  }
  size_t limit = 1'000'000;
  std::map<const void*, size_t> held;
};

class PoisonedAllocator : public ::testing::Test {
 protected:
  ~PoisonedAllocator() override { EXPECT_THAT(ledger.held, IsEmpty()); }

  static std::vector<uint8_t> bytes_at(const void* data, size_t bytes) {
    const auto* begin = static_cast<const uint8_t*>(data);
    return {begin, begin + bytes};
  }
  static std::vector<uint8_t> filled(size_t bytes, Fill fill) {
    std::vector<uint8_t> all(bytes);
    fill_bytes(all.data(), bytes, fill);
    return all;
  }

  FakeTorch torchs;
  HostWriter writer;
  FakeLedger ledger;
  std::unique_ptr<PoisonedDeviceMemory> memory = poison_device_memory(torchs, writer, ledger);
  caching::CUDAAllocator& allocator = memory->allocator();
};

TEST_F(PoisonedAllocator, FillsFreshBlocksAndThoseOfTheCache) {
  const void* before = nullptr;
  for (const FillInfo& info : fills()) {
    memory->set_fill(info.fill);
    const DataPtr block = allocator.allocate(301);
    EXPECT_EQ(bytes_at(block.get(), 301), filled(301, info.fill)) << info.name;
    EXPECT_TRUE(before == nullptr || before == block.get()) << "the cache has it";
    EXPECT_EQ(block.device(), c10::Device(c10::kCUDA, 1));
    before = block.get();
  }
}

TEST_F(PoisonedAllocator, LeavesTheFreedWordInWhatIsGivenBack) {
  DataPtr block = allocator.allocate(100);
  const void* data = block.get();
  block.clear();
  std::vector<uint8_t> freed(100);
  fill_words(freed.data(), freed.size(), kFreedWord);
  EXPECT_EQ(bytes_at(data, 100), freed);
}

TEST_F(PoisonedAllocator, TellsTheLedgerOfEveryBlock) {
  DataPtr one = allocator.allocate(100);
  const DataPtr two = allocator.allocate(2000);
  void* raw = allocator.raw_alloc(7);
  void* on_stream = allocator.raw_alloc_with_stream(8, reinterpret_cast<cudaStream_t>(0x10));
  EXPECT_THAT(ledger.sizes(), ::testing::UnorderedElementsAre(100, 2000, 7, 8));
  EXPECT_EQ(bytes_at(raw, 7), filled(7, Fill::kNan));
  EXPECT_EQ(writer.streams.count(reinterpret_cast<CUstream_st*>(0x10)), 1u);
  allocator.raw_delete(raw);
  allocator.raw_delete(on_stream);
  one = allocator.allocate(5);
  EXPECT_THAT(ledger.sizes(), ::testing::UnorderedElementsAre(5, 2000));
}

TEST_F(PoisonedAllocator, LeavesNothingBehindWhereItRefuses) {
  ledger.limit = 10;
  try {
    const DataPtr none = allocator.allocate(11);
    FAIL() << "it should have been refused";
  } catch (const c10::OutOfMemoryError& error) {
    EXPECT_THAT(error.what_without_backtrace(),
                ::testing::StartsWith("no memory: rank 3 asked for too much, and its limit"));
  }
  EXPECT_THROW(allocator.raw_alloc(11), c10::OutOfMemoryError);
  torchs.is_full = true;
  EXPECT_THROW(allocator.allocate(1), c10::OutOfMemoryError);
  torchs.is_full = false;
  writer.is_broken = true;
  EXPECT_THROW(allocator.allocate(1), c10::Error);
  EXPECT_THROW(allocator.raw_alloc(1), c10::Error);
}

TEST_F(PoisonedAllocator, HandsOutPointersThatAreTheirOwnContexts) {
  const DataPtr block = allocator.allocate(16);
  EXPECT_TRUE(allocator.is_simple_data_ptr(block));
  EXPECT_EQ(block.get_deleter(), allocator.raw_deleter());
  void* raw = allocator.raw_allocate(24);
  EXPECT_THAT(ledger.sizes(), ::testing::UnorderedElementsAre(16, 24));
  allocator.raw_deallocate(raw);
  const DataPtr copy = allocator.clone(block.get(), 16);
  EXPECT_EQ(bytes_at(copy.get(), 16), filled(16, Fill::kNan));
}

TEST_F(PoisonedAllocator, HasEmptyBlocksWithoutBytes) {
  const DataPtr none = allocator.allocate(0);
  EXPECT_EQ(none.get(), nullptr);
  EXPECT_EQ(none.get_deleter(), allocator.raw_deleter());
  void* raw = allocator.raw_alloc(0);
  EXPECT_EQ(raw, nullptr);
  allocator.raw_delete(raw);
}

c10::cuda::CUDAStream some_stream() {
  return c10::cuda::CUDAStream(c10::cuda::CUDAStream::UNCHECKED,
                               c10::Stream(c10::Stream::DEFAULT, c10::Device(c10::kCUDA, 1)));
}

TEST_F(PoisonedAllocator, RecordsStreamsAsTorchKnowsTheBlock) {
  DataPtr block = allocator.allocate(16);
  void* const data = block.get();
  allocator.recordStream(block, some_stream());
  allocator.recordStream(block, some_stream().unwrap());
  EXPECT_THAT(torchs.recorded, ElementsAre(data, data));
  EXPECT_THAT(ledger.sizes(), ElementsAre(16)) << "it is not given back by that";
  block.clear();
  EXPECT_EQ(bytes_at(data, 16), filled(16, Fill::kNan)) << "another stream may still read it";
  const DataPtr foreign(
      data, data, [](void*) {}, c10::Device(c10::kCUDA, 1));
  allocator.recordStream(foreign, some_stream());
  EXPECT_EQ(torchs.recorded.size(), 2u);
}

TEST_F(PoisonedAllocator, LeavesBlocksFromBeforeItToTorch) {
  void* raw = torchs.raw_alloc(8);
  DataPtr block = torchs.allocate(8);
  allocator.recordStream(block, some_stream());
  EXPECT_THAT(torchs.recorded, ElementsAre(block.get()));
  allocator.raw_delete(raw);
  block.clear();
}

TEST_F(PoisonedAllocator, ForgetsWhatTorchTookBackWithoutAWord) {
  void* raw = allocator.raw_alloc(8);
  torchs.raw_delete(raw);
  const DataPtr again = allocator.allocate(9);
  EXPECT_EQ(again.get(), raw);
  EXPECT_THAT(ledger.sizes(), ElementsAre(9));
}

TEST_F(PoisonedAllocator, ForwardsTheRest) {
  EXPECT_EQ(allocator.name(), "fake");
  allocator.emptyCache();
  EXPECT_EQ(torchs.emptied, 1);
}

}  // namespace
}  // namespace loadproof::sim
