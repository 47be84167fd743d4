#include "sim/memory/pool.h"

#include <sys/mman.h>

#include <new>

namespace loadproof::sim {

namespace {

// Address space is taken from the kernel in segments; it costs no RAM until it is carved and used.
constexpr size_t kSegment = size_t{32} << 20;

}  // namespace

Block* Pool::carve(uint32_t size_class) {
  const std::lock_guard lock(carving_);
  const size_t stride = sizeof(Block) + class_bytes(size_class);
  if (fresh_bytes_ < stride) {
    void* segment = ::mmap(nullptr, kSegment, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (segment == MAP_FAILED) return nullptr;
    fresh_ = static_cast<std::byte*>(segment);
    fresh_bytes_ = kSegment;
  }
  Block* block = new (fresh_) Block;
  fresh_ += stride;
  fresh_bytes_ -= stride;
  block->size_class = size_class;
  return block;
}

Block* Pool::take(size_t bytes) {
  const uint32_t index = size_class_of(bytes);
  Class& blocks = classes_[index];
  Block* block = nullptr;
  {
    const std::lock_guard lock(blocks.mutex);
    block = blocks.free;
    if (block != nullptr) blocks.free = block->next;
  }
  if (block == nullptr) block = carve(index);
  if (block == nullptr) return nullptr;
  block->mark = Block::kLive;
  block->bytes = bytes;
  return block;
}

void Pool::give(Block& block) {
  Class& blocks = classes_[block.size_class];
  block.mark = Block::kFreed;
  const std::lock_guard lock(blocks.mutex);
  block.next = blocks.free;
  blocks.free = &block;
}

}  // namespace loadproof::sim
