#include "sim/memory/committed.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "sim/check.h"

namespace loadproof::sim {

namespace {

// From <linux/fs.h> of Linux 6.7 (PAGEMAP_SCAN); older headers lack it.
struct PageRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};

struct PagemapScan {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t vec;
  uint64_t vec_len;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};

constexpr uint64_t kFile = 1 << 2, kPresent = 1 << 3, kSwapped = 1 << 4, kZeroPage = 1 << 5;
constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);

class Pagemap {
 public:
  Pagemap() : fd_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {
    SIM_CHECK(fd_ >= 0, "/proc/self/pagemap cannot be opened");
  }
  ~Pagemap() { ::close(fd_); }
  Pagemap(const Pagemap&) = delete;
  Pagemap& operator=(const Pagemap&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

size_t whole_pages(size_t bytes) { return (bytes + kPageSize - 1) / kPageSize; }

// Nothing if the kernel has no PAGEMAP_SCAN.
std::optional<int64_t> scan(int fd, uint64_t begin, uint64_t end) {
  std::array<PageRegion, 256> regions;
  PagemapScan request{};
  request.size = sizeof request;
  request.end = end;
  request.vec = reinterpret_cast<uint64_t>(regions.data());
  request.vec_len = regions.size();
  request.category_inverted = kFile | kZeroPage;
  request.category_mask = kFile | kZeroPage;
  request.category_anyof_mask = kPresent | kSwapped;
  request.return_mask = kPresent | kSwapped;
  uint64_t committed = 0;
  for (request.start = begin; request.start < end; request.start = request.walk_end) {
    const int found = ::ioctl(fd, kPagemapScan, &request);
    if (found < 0) return std::nullopt;
    for (size_t i = 0; i < static_cast<size_t>(found); ++i)
      committed += regions[i].end - regions[i].start;
  }
  return static_cast<int64_t>(committed);
}

}  // namespace

// https://docs.kernel.org/admin-guide/mm/pagemap.html : one 64-bit word a page.
int64_t committed_bytes_by_pagemap(const void* data, size_t bytes) {
  constexpr uint64_t kEntryPresent = uint64_t{1} << 63, kEntrySwapped = uint64_t{1} << 62,
                     kEntryFile = uint64_t{1} << 61;
  const Pagemap map;
  std::array<uint64_t, 4096> words;
  const size_t first = reinterpret_cast<uintptr_t>(data) / kPageSize;
  int64_t committed = 0;
  for (size_t done = 0, pages = whole_pages(bytes); done < pages;) {
    const size_t wanted = std::min(words.size(), pages - done);
    const ssize_t got = ::pread(map.fd(), words.data(), wanted * sizeof words[0],
                                static_cast<off_t>((first + done) * sizeof words[0]));
    SIM_CHECK(got > 0, "reading the page map gave {}", got);
    const size_t count = static_cast<size_t>(got) / sizeof words[0];
    for (size_t i = 0; i < count; ++i)
      if ((words[i] & (kEntryPresent | kEntrySwapped)) != 0 && (words[i] & kEntryFile) == 0)
        committed += static_cast<int64_t>(kPageSize);
    done += count;
  }
  return committed;
}

bool kernel_scans_pagemap() {
  alignas(kPageSize) static const std::array<std::byte, kPageSize> page{};
  if (::access("/proc/self/pagemap", R_OK) != 0) return false;
  const auto begin = reinterpret_cast<uint64_t>(page.data());
  const Pagemap map;
  return scan(map.fd(), begin, begin + kPageSize).has_value();
}

int64_t committed_bytes(const void* data, size_t bytes) {
  const auto begin = reinterpret_cast<uint64_t>(data);
  const Pagemap map;
  if (const auto committed = scan(map.fd(), begin, begin + whole_pages(bytes) * kPageSize))
    return *committed;
  return committed_bytes_by_pagemap(data, bytes);
}

}  // namespace loadproof::sim
