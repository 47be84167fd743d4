#include "bench/kernel_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "sim/memory/committed.h"

namespace loadproof::bench {
namespace {

struct Mapping {
  const void* begin;
  size_t bytes;
};

// Without those of the kernel's own, such as [vvar], which have no page table to walk. The file is
// read by the line into a buffer on the stack: a reader that allocates would count itself.
int64_t committed_by_pagemap() {
  static std::vector<Mapping> mappings(4096);
  mappings.clear();
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  if (!maps) return 0;
  char line[512];
  while (std::fgets(line, sizeof line, maps)) {
    void* begin = nullptr;
    void* end = nullptr;
    if (std::sscanf(line, "%p-%p", &begin, &end) == 2 && !std::strstr(line, "[v"))
      mappings.push_back({begin, static_cast<size_t>(static_cast<std::byte*>(end) -
                                                     static_cast<std::byte*>(begin))});
  }
  std::fclose(maps);
  int64_t committed = 0;
  for (const Mapping& one : mappings) committed += sim::committed_bytes(one.begin, one.bytes);
  return committed;
}

int64_t committed_by_counter() {
  std::FILE* const status = std::fopen("/proc/self/status", "re");
  if (!status) return 0;
  char line[256];
  int64_t kib = 0;
  while (std::fgets(line, sizeof line, status))
    if (std::strncmp(line, "RssAnon:", 8) == 0) kib = std::atoll(line + 8);
  std::fclose(status);
  return kib * 1024;
}

}  // namespace

KernelMemory read_kernel_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const int64_t pagemap = committed_by_pagemap();
  return {pagemap, committed_by_counter(), usage.ru_minflt};
}

KernelMemory operator-(const KernelMemory& after, const KernelMemory& before) {
  return {after.by_pagemap - before.by_pagemap, after.by_counter - before.by_counter,
          after.minor_faults - before.minor_faults};
}

bool agree(const KernelMemory& growth) {
  const int64_t allowed = std::max<int64_t>(64 * static_cast<int64_t>(sim::kPageSize),
                                            std::abs(growth.by_counter) / 100);
  return std::abs(growth.by_pagemap - growth.by_counter) <= allowed;
}

std::string huge_page_mode() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  for (std::string word; file >> word;)
    if (word.starts_with('[') && word.ends_with(']')) return word.substr(1, word.size() - 2);
  return "";
}

}  // namespace loadproof::bench
