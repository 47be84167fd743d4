#include "sim/memory/large.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <new>

#include "sim/memory/committed.h"

namespace loadproof::sim {

namespace {

// Larger files make fewer mappings and cost more RAM for each fill in use.
constexpr size_t kFileBytes = size_t{16} << 20;
static_assert(kFileBytes % (kStaleWords * sizeof(uint16_t)) == 0);

// The header has a page of its own before the data, so that the data is page-aligned.
constexpr size_t kHeaderBytes = kPageSize;

size_t mapped_bytes(size_t bytes) {
  return kHeaderBytes + (bytes + kPageSize - 1) / kPageSize * kPageSize;
}

void* map_plain(size_t bytes) {
  return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

// A file in memory that holds the pattern, or -1 with errno set. Zeros need no writing: a hole in
// the file reads as zero.
int make_file(std::optional<Fill> fill) {
  const int file = ::memfd_create("loadproof-fill", MFD_CLOEXEC);
  if (file < 0) return -1;
  if (::ftruncate(file, static_cast<off_t>(kFileBytes)) == 0) {
    if (fill == Fill::kZeros) return file;
    void* view = ::mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (view != MAP_FAILED) {
      if (fill)
        fill_bytes(view, kFileBytes, *fill);
      else
        fill_words(view, kFileBytes, kFreedWord);
      ::munmap(view, kFileBytes);
      return file;
    }
  }
  const int error = errno;
  ::close(file);
  errno = error;
  return -1;
}

}  // namespace

// A request above it would first use up the mappings that other threads need, and then fail.
size_t LargeBlocks::bytes_most() {
  constexpr size_t kDefaultMappings = 65530;
  static const size_t most = [] {
    size_t mappings = kDefaultMappings;
    std::ifstream("/proc/sys/vm/max_map_count") >> mappings;
    return std::min(mappings, kDefaultMappings * 64) * kFileBytes;
  }();
  return most;
}

int LargeBlocks::file_of(size_t pattern) {
  const std::lock_guard lock(mutex_);
  int& file = files_[pattern];
  if (file < 0)
    file = make_file(pattern == kFreedPattern ? std::nullopt
                                              : std::optional(static_cast<Fill>(pattern)));
  return file;
}

bool LargeBlocks::cover(Range range, size_t pattern) {
  const int file = file_of(pattern);
  if (file < 0) return false;
  for (size_t done = 0; done < range.bytes; done += kFileBytes) {
    const void* piece =
        ::mmap(range.begin + done, std::min(kFileBytes, range.bytes - done),
               PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, file, 0);
    if (piece == MAP_FAILED) return false;
  }
  return true;
}

Block* LargeBlocks::take(size_t bytes, std::optional<Fill> fill) {
  if (bytes > bytes_most()) {
    errno = ENOMEM;
    return nullptr;
  }
  const size_t mapped = mapped_bytes(bytes);
  do {
    void* begin = map_plain(mapped);
    if (begin == MAP_FAILED) continue;
    auto* data = static_cast<std::byte*>(begin) + kHeaderBytes;
    const Range range{data, mapped - kHeaderBytes};
    if (!fill || cover(range, static_cast<size_t>(*fill))) {
      Block* block = new (data - sizeof(Block)) Block;
      block->bytes = bytes;
      block->large = true;
      return block;
    }
    const int error = errno;
    ::munmap(begin, mapped);
    errno = error;
  } while (evict(0, 0));  // what the quarantine holds may be what is missing
  return nullptr;
}

void LargeBlocks::give(Block& block) {
  auto* data = static_cast<std::byte*>(block.data());
  const Range whole{data - kHeaderBytes, mapped_bytes(block.bytes)};
  block.mark = Block::kFreed;
  if (whole.bytes > kQuarantineBytes ||
      !cover({data, whole.bytes - kHeaderBytes}, kFreedPattern)) {
    ::munmap(whole.begin, whole.bytes);
    return;
  }
  evict(kQuarantineBlocks - 1, kQuarantineBytes - whole.bytes);
  const std::lock_guard lock(mutex_);
  quarantine_.push_back(whole);
  quarantined_ += whole.bytes;
}

// Whether anything left the quarantine. errno is kept if nothing did.
bool LargeBlocks::evict(size_t blocks_kept, size_t bytes_kept) {
  const std::lock_guard lock(mutex_);
  bool any = false;
  for (; quarantine_.size() > blocks_kept || quarantined_ > bytes_kept; any = true) {
    const Range oldest = quarantine_.front();
    quarantine_.pop_front();
    quarantined_ -= oldest.bytes;
    ::munmap(oldest.begin, oldest.bytes);
  }
  return any;
}

}  // namespace loadproof::sim
