#include "sim/cuda/kernels.h"

#include <algorithm>

namespace loadproof::sim {
namespace {

constexpr const char* kNames[] = {
    "count_int8",        "count_int16",    "count_int32",   "count_int64",
    "count_float8_e4m3fn", "count_float8_e5m2", "count_float16", "count_bfloat16",
    "count_float32",     "count_float64",  kFirstDifferenceKernel, kBlockDigestsKernel,
};

}  // namespace

std::span<const char* const> scan_kernel_names() { return kNames; }

const char* count_kernel(DType dtype) {
  switch (dtype) {
    case DType::kBool: case DType::kUint8: case DType::kInt8: return "count_int8";
    case DType::kInt16: return "count_int16";
    case DType::kInt32: return "count_int32";
    case DType::kInt64: return "count_int64";
    case DType::kFloat8E4m3fn: return "count_float8_e4m3fn";
    case DType::kFloat8E5m2: return "count_float8_e5m2";
    case DType::kFloat16: return "count_float16";
    case DType::kBFloat16: return "count_bfloat16";
    case DType::kFloat32: return "count_float32";
    case DType::kFloat64: return "count_float64";
  }
  return "";
}

// Every kind of multiprocessor since 8.0 holds the threads of six blocks. A thread loads 64 bytes
// at once.
unsigned blocks_for(int64_t bytes, int multiprocessors) {
  constexpr int64_t kBlocksAtOnce = 6;
  constexpr int64_t kBytesOfBlock = 64 * int64_t{kThreadsOfBlock};
  const int64_t needed = (bytes + kBytesOfBlock - 1) / kBytesOfBlock;
  return static_cast<unsigned>(
      std::clamp<int64_t>(needed, 1, kBlocksAtOnce * multiprocessors));
}

ElementCounts counts_from(const ScanTotals& totals, int64_t elements, DType dtype) {
  const auto total = [&](size_t i) { return static_cast<int64_t>(totals[i]); };
  ElementCounts counts{elements, total(0), total(1), total(2), total(3)};
  if (dtype == DType::kBool) counts.one = elements - counts.zero;
  return counts;
}

}  // namespace loadproof::sim
