#include "sim/memory/poison.h"

#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include "sim/check.h"
#include "sim/memory/account.h"
#include "sim/memory/block.h"
#include "sim/memory/committed.h"
#include "sim/memory/large.h"
#include "sim/memory/pool.h"

namespace loadproof::sim {

namespace {

struct Heap {
  Pool pool;
  LargeBlocks large;
  std::atomic<Fill> fill = Fill::kNan;
};

// Never destroyed: libraries free tensors in their static destructors.
Heap& heap() {
  static Heap& all = *new Heap;
  return all;
}

thread_local bool poison_off = false;
thread_local bool bytes_off = false;

// The one place where we throw: c10's allocators report failure in this way, and its callers
// unwind.
[[noreturn]] void refuse(const Account& account, size_t bytes, const std::string& reason) {
  TORCH_CHECK_WITH(OutOfMemoryError, false, "no memory: ", account.owner(), " asked for ", bytes,
                   " bytes, and ", reason);
  __builtin_unreachable();
}

Block* make_block(size_t bytes) {
  const Fill fill = heap().fill.load(std::memory_order_relaxed);
  if (bytes >= kLargeFrom)
    return heap().large.take(bytes, poison_off ? std::nullopt : std::optional(fill));
  Block* block = heap().pool.take(bytes);
  if (block != nullptr && !poison_off) fill_bytes(block->data(), bytes, fill);
  return block;
}

void give_back(Block& block) {
  if (block.large) {
    heap().large.give(block);
  } else {
    fill_words(block.data(), block.bytes, kFreedWord);
    heap().pool.give(block);
  }
}

void* allocate_block(size_t bytes) {
  Account& account = current_account();
  Block* block = make_block(bytes);
  if (block == nullptr)
    refuse(account, bytes, fmt::format("the kernel refused: {}", std::strerror(errno)));
  block->account = &account;
  if (!account.charge(static_cast<int64_t>(bytes), current_step(), block->generation)) {
    give_back(*block);
    refuse(account, bytes, "its limit allows no more");
  }
  if (block->large) account.note_mapped(block->data(), bytes, block->generation);
  return block->data();
}

void free_block(void* data) {
  if (data == nullptr) return;
  Block& block = Block::of(data);
  if (block.large) block.account->drop_mapped(data);
  block.account->release(static_cast<int64_t>(block.bytes), block.generation);
  give_back(block);
}

// The header of a block that has no data: c10 keeps it as the context of the null pointer.
void free_empty_block(void* context) {
  Block& block = Block::of(context);
  block.account->release(static_cast<int64_t>(block.bytes), block.generation);
  block.bytes = 1;
  give_back(block);
}

c10::DataPtr allocate_empty(size_t bytes) {
  Account& account = current_account();
  Block* block = heap().pool.take(1);
  if (block == nullptr) refuse(account, bytes, "there is none left for a header");
  block->account = &account;
  if (!account.charge(static_cast<int64_t>(bytes), current_step(), block->generation)) {
    give_back(*block);
    refuse(account, bytes, "its limit allows no more");
  }
  block->bytes = bytes;
  return {nullptr, block->data(), &free_empty_block, c10::Device(c10::DeviceType::CPU)};
}

class PoisonAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes_off && bytes > 0) return allocate_empty(bytes);
    void* data = bytes == 0 ? nullptr : allocate_block(bytes);
    return {data, data, &free_block, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

}  // namespace

void install_poison_allocator() {
  // Above every priority that torch itself uses, so that a later SetCPUAllocator does not undo it.
  constexpr uint8_t kPriority = 100;
  static const bool once = [] {
    SIM_CHECK(::sysconf(_SC_PAGESIZE) == static_cast<long>(kPageSize), "pages are not of {} bytes",
              kPageSize);
    c10::SetCPUAllocator(new PoisonAllocator, kPriority);
    return true;
  }();
  static_cast<void>(once);
}

int64_t poisoned_bytes_most() { return static_cast<int64_t>(LargeBlocks::bytes_most()); }

void set_fill(Fill fill) { heap().fill.store(fill, std::memory_order_relaxed); }

Fill current_fill() { return heap().fill.load(std::memory_order_relaxed); }

WithoutPoison::WithoutPoison() : before_(poison_off) { poison_off = true; }

WithoutPoison::~WithoutPoison() { poison_off = before_; }

WithoutBytes::WithoutBytes(bool without) : before_(bytes_off) { bytes_off = without; }

WithoutBytes::~WithoutBytes() { bytes_off = before_; }

}  // namespace loadproof::sim
