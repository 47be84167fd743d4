#include "sim/cuda/poisoned_allocator.h"

#include <c10/cuda/CUDACachingAllocator.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "sim/check.h"

namespace loadproof::sim {
namespace {

namespace caching = c10::cuda::CUDACachingAllocator;
using c10::DataPtr, c10::DeviceIndex, c10::MempoolId_t;
using caching::CUDAAllocator;

// What is known of a block that is in use.
struct Live {
  size_t bytes = 0;
  StreamPlace place;
  c10::DeleterFnPtr torchs = nullptr;  // of its DataPtr; nothing where there was none
  bool is_shared = false;              // other streams than that of its place may use it
};

class LiveBlocks {
 public:
  void put(void* block, const Live& live) {
    const std::scoped_lock lock(mutex_);
    blocks_.insert_or_assign(block, live);
  }
  std::optional<Live> take(void* block) {
    const std::scoped_lock lock(mutex_);
    const auto found = blocks_.find(block);
    if (found == blocks_.end()) return std::nullopt;
    const Live live = found->second;
    blocks_.erase(found);
    return live;
  }
  // Notes that another stream uses a block, too; gives the deleter that torch knows it by.
  c10::DeleterFnPtr share(void* block) {
    const std::scoped_lock lock(mutex_);
    const auto found = blocks_.find(block);
    if (found == blocks_.end()) return nullptr;
    found->second.is_shared = true;
    return found->second.torchs;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<void*, Live> blocks_;
};

class Poisoned;
std::atomic<Poisoned*> the_one = nullptr;

// Everything that is only forwarded.
class Forwarding : public CUDAAllocator {
 public:
  explicit Forwarding(CUDAAllocator& torchs) : torchs_(torchs) {}

  bool initialized() override { return torchs_.initialized(); }
  void emptyCache(MempoolId_t pool) override { torchs_.emptyCache(pool); }
  caching::DeviceStats getDeviceStats(DeviceIndex device) override {
    return torchs_.getDeviceStats(device);
  }
  void resetAccumulatedStats(DeviceIndex device) override { torchs_.resetAccumulatedStats(device); }
  void resetPeakStats(DeviceIndex device) override { torchs_.resetPeakStats(device); }
  std::pair<size_t, size_t> getMemoryInfo(DeviceIndex device) override {
    return torchs_.getMemoryInfo(device);
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    torchs_.copy_data(to, from, bytes);
  }
  void init(int devices) override { torchs_.init(devices); }
  double getMemoryFraction(DeviceIndex device) override {
    return torchs_.getMemoryFraction(device);
  }
  void setMemoryFraction(double fraction, DeviceIndex device) override {
    torchs_.setMemoryFraction(fraction, device);
  }
  std::vector<caching::StreamSegmentSize> getExpandableSegmentSizes(DeviceIndex device) override {
    return torchs_.getExpandableSegmentSizes(device);
  }
  void enable(bool value) override { torchs_.enable(value); }
  bool isEnabled() const override { return torchs_.isEnabled(); }
  void cacheInfo(DeviceIndex device, size_t* largest) override {
    torchs_.cacheInfo(device, largest);
  }
  void* getBaseAllocation(void* block, size_t* size) override {
    return torchs_.getBaseAllocation(block, size);
  }
  caching::SnapshotInfo snapshot(MempoolId_t pool, bool traces) override {
    return torchs_.snapshot(pool, traces);
  }
  void beginAllocateToPool(DeviceIndex device, MempoolId_t pool,
                           std::function<bool(cudaStream_t)> filter) override {
    torchs_.beginAllocateToPool(device, pool, std::move(filter));
  }
  void endAllocateToPool(DeviceIndex device, MempoolId_t pool) override {
    torchs_.endAllocateToPool(device, pool);
  }
  void releasePool(DeviceIndex device, MempoolId_t pool) override {
    torchs_.releasePool(device, pool);
  }
  int getPoolUseCount(DeviceIndex device, MempoolId_t pool) override {
    return torchs_.getPoolUseCount(device, pool);
  }
  void createOrIncrefPool(DeviceIndex device, MempoolId_t pool,
                          std::shared_ptr<CUDAAllocator> of) override {
    torchs_.createOrIncrefPool(device, pool, std::move(of));
  }
  void setUseOnOOM(DeviceIndex device, MempoolId_t pool, bool use) override {
    torchs_.setUseOnOOM(device, pool, use);
  }
  void setNoSplit(DeviceIndex device, MempoolId_t pool) override {
    torchs_.setNoSplit(device, pool);
  }
  bool checkPoolLiveAllocations(DeviceIndex device, MempoolId_t pool,
                                const std::unordered_set<void*>& expected) override {
    return torchs_.checkPoolLiveAllocations(device, pool, expected);
  }
  caching::ShareableHandle shareIpcHandle(void* block) override {
    return torchs_.shareIpcHandle(block);
  }
  std::shared_ptr<void> getIpcDevPtr(std::string handle) override {
    return torchs_.getIpcDevPtr(std::move(handle));
  }
  bool isHistoryEnabled() override { return torchs_.isHistoryEnabled(); }
  void recordHistory(bool enabled, caching::CreateContextFn recorder, size_t entries,
                     caching::RecordContext when, bool clear,
                     const std::vector<std::string>& skipped) override {
    torchs_.recordHistory(enabled, recorder, entries, when, clear, skipped);
  }
  void recordAnnotation(const std::vector<std::pair<std::string, std::string>>& all) override {
    torchs_.recordAnnotation(all);
  }
  void pushCompileContext(std::string& text) override { torchs_.pushCompileContext(text); }
  void popCompileContext() override { torchs_.popCompileContext(); }
  void setUserMetadata(const std::string& text) override { torchs_.setUserMetadata(text); }
  std::string getUserMetadata() override { return torchs_.getUserMetadata(); }
  void attachOutOfMemoryObserver(caching::OutOfMemoryObserver observer) override {
    torchs_.attachOutOfMemoryObserver(std::move(observer));
  }
  void attachAllocatorTraceTracker(caching::AllocatorTraceTracker tracker) override {
    torchs_.attachAllocatorTraceTracker(std::move(tracker));
  }
  void enablePeerAccess(DeviceIndex device, DeviceIndex other) override {
    torchs_.enablePeerAccess(device, other);
  }
  cudaError_t memcpyAsync(void* to, int to_device, const void* from, int from_device, size_t bytes,
                          cudaStream_t stream, bool peers) override {
    return torchs_.memcpyAsync(to, to_device, from, from_device, bytes, stream, peers);
  }
  std::shared_ptr<caching::AllocatorState> getCheckpointState(DeviceIndex device,
                                                              MempoolId_t pool) override {
    return torchs_.getCheckpointState(device, pool);
  }
  caching::CheckpointDelta setCheckpointPoolState(
      DeviceIndex device, std::shared_ptr<caching::AllocatorState> state) override {
    return torchs_.setCheckpointPoolState(device, std::move(state));
  }
  std::string name() override { return torchs_.name(); }

 protected:
  CUDAAllocator& torchs_;
};

class Poisoned final : public Forwarding, public PoisonedDeviceMemory {
 public:
  Poisoned(CUDAAllocator& torchs, DeviceWriter& writer, DeviceLedger& ledger)
      : Forwarding(torchs), writer_(writer), ledger_(ledger) {
    SIM_CHECK(the_one.exchange(this) == nullptr, "device memory is poisoned twice");
  }
  Poisoned(const Poisoned&) = delete;
  Poisoned& operator=(const Poisoned&) = delete;
  ~Poisoned() override { the_one = nullptr; }

  CUDAAllocator& allocator() override { return *this; }
  void set_fill(Fill fill) override { fill_.store(fill, std::memory_order_relaxed); }

  DataPtr allocate(size_t bytes) override {
    const StreamPlace place = writer_.here();
    DataPtr made = torchs_.allocate(bytes);
    SIM_CHECK(made.get() == made.get_context(), "a block has a context of its own");
    const c10::DeleterFnPtr deleter = made.get_deleter();
    if (made.get() != nullptr) admit(made.get(), {bytes, place, deleter});
    SIM_CHECK(made.compare_exchange_deleter(deleter, &delete_block), "a block has two deleters");
    return made;
  }
  c10::DeleterFnPtr raw_deleter() const override { return &delete_block; }

  void* raw_alloc(size_t bytes) override {
    const StreamPlace place = writer_.here();
    return admit_raw(torchs_.raw_alloc(bytes), bytes, place);
  }
  void* raw_alloc_with_stream(size_t bytes, cudaStream_t stream) override {
    const StreamPlace place{writer_.here().device, stream};
    return admit_raw(torchs_.raw_alloc_with_stream(bytes, stream), bytes, place);
  }
  void raw_delete(void* block) override { discharge(block); }

  using CUDAAllocator::recordStream;
  void recordStream(const DataPtr& block, c10::cuda::CUDAStream stream) override {
    void* const data = block.get();
    if (data == nullptr) return;
    if (block.get_deleter() != &delete_block) return torchs_.recordStream(block, stream);
    const c10::DeleterFnPtr deleter = live_.share(data);
    if (deleter == nullptr) return;
    DataPtr known(data, data, deleter, block.device());
    struct Kept {
      DataPtr& of;
      ~Kept() { static_cast<void>(of.release_context()); }
    } const kept{known};
    torchs_.recordStream(known, stream);
  }

 private:
  static void delete_block(void* block) {
    if (block == nullptr) return;
    Poisoned* const one = the_one.load();
    SIM_CHECK(one != nullptr, "a block of device memory outlives its allocator");
    one->discharge(block);
  }

  void admit(void* block, const Live& live) {
    // What torch took back without a word, as it does when a graph's pool is set back.
    if (live_.take(block)) ledger_.release(block);
    const std::string why = ledger_.charge(block, live.bytes);
    TORCH_CHECK_WITH(OutOfMemoryError, why.empty(), why);
    try {
      writer_.fill(live.place, block, live.bytes, fill_.load(std::memory_order_relaxed));
      live_.put(block, live);
    } catch (...) {
      ledger_.release(block);
      throw;
    }
  }

  void* admit_raw(void* block, size_t bytes, StreamPlace place) {
    if (block == nullptr) return nullptr;
    try {
      admit(block, {bytes, place});
    } catch (...) {
      torchs_.raw_delete(block);
      throw;
    }
    return block;
  }

  void discharge(void* block) {
    const std::optional<Live> live = live_.take(block);
    if (live) {
      if (!live->is_shared) writer_.fill_freed(live->place, block, live->bytes);
      ledger_.release(block);
    }
    if (live && live->torchs != nullptr) return live->torchs(block);
    torchs_.raw_delete(block);
  }

  DeviceWriter& writer_;
  DeviceLedger& ledger_;
  LiveBlocks live_;
  std::atomic<Fill> fill_ = Fill::kNan;
};

}  // namespace

std::unique_ptr<PoisonedDeviceMemory> poison_device_memory(CUDAAllocator& torchs,
                                                           DeviceWriter& writer,
                                                           DeviceLedger& ledger) {
  return std::make_unique<Poisoned>(torchs, writer, ledger);
}

}  // namespace loadproof::sim
