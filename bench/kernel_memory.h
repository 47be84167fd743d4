// What the kernel says that this process holds, counted in two ways that know nothing of each
// other, and what pages have cost it.
//
// `by_pagemap` walks the page tables of all mappings; `by_counter` is RssAnon of /proc/self/status,
// which the kernel keeps as pages come and go. Both are of anonymous pages. Kernels before 6.17
// keep RssAnon by CPU in batches, and show it a few dozen pages off.
#pragma once

#include <cstdint>
#include <string>

namespace loadproof::bench {

struct KernelMemory {
  int64_t by_pagemap = 0;  // bytes
  int64_t by_counter = 0;  // bytes
  int64_t minor_faults = 0;
};

KernelMemory read_kernel_memory();
KernelMemory operator-(const KernelMemory& after, const KernelMemory& before);

// Whether the two ways agree on a growth: to a percent of it, or 64 pages where that is more.
bool agree(const KernelMemory& growth);

// The chosen word of /sys/kernel/mm/transparent_hugepage/enabled, "" if there is none.
std::string huge_page_mode();

}  // namespace loadproof::bench
