// The kernels of sim/cuda/scan_kernels.inc as the host sees them: their text, which of them counts
// what, how to launch one, and what its answer means. Needs no CUDA.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sim/dtype.h"
#include "sim/memory/scan.h"

namespace loadproof::sim {

// The text, for NVRTC.
std::string_view scan_kernels_source();

// All of their names; those of first_difference, of block_digests and of a count.
std::span<const char* const> scan_kernel_names();
inline constexpr const char* kFirstDifferenceKernel = "first_difference";
inline constexpr const char* kBlockDigestsKernel = "block_digests";
const char* count_kernel(DType dtype);

// The oldest compute capability that they are compiled for, as 10 × major + minor.
inline constexpr int kScanKernelsNeed = 80;

inline constexpr unsigned kThreadsOfBlock = 256;
// Enough threads to fill the device, and no more than there is work for.
unsigned blocks_for(int64_t bytes, int multiprocessors);

// Totals of a count kernel: NaN, inf, zero, one.
using ScanTotals = std::array<unsigned long long, 4>;
ElementCounts counts_from(const ScanTotals& totals, int64_t elements, DType dtype);

// What the kernel of first_difference starts from.
inline constexpr unsigned long long kNoDifference = ~0ull;

}  // namespace loadproof::sim
