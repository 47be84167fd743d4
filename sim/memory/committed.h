// How many bytes of a mapping the kernel keeps a page for that belongs to this mapping alone.
//
// Pages that only show a page-cached file (lazy poison nobody wrote to) or the kernel's zero page
// are not committed; written ones are, in RAM or in swap. Whole pages, in bytes. Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace loadproof::sim {

inline constexpr size_t kPageSize = 4096;

// `data` is page-aligned and mapped for `bytes` bytes.
int64_t committed_bytes(const void* data, size_t bytes);

// Whether the kernel has PAGEMAP_SCAN (6.7 and later), the way that tells all of this apart.
bool kernel_scans_pagemap();

// The slower way of kernels before 6.7, which cannot tell the zero page from a written one.
int64_t committed_bytes_by_pagemap(const void* data, size_t bytes);

}  // namespace loadproof::sim
