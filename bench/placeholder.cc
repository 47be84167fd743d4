#include "bench/placeholder.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <limits>

#include "sim/check.h"
#include "sim/memory/committed.h"

namespace loadproof::bench {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kHugePage = size_t{2} << 20;

bool huge_pages_wanted = false;  // of this process; set once, before it makes a tensor

at::TensorOptions on_cpu(const at::Tensor& like) { return like.options().device(at::kCPU); }

void ask_for_huge_pages(void* data, size_t bytes) {
  if (!huge_pages_wanted || bytes < kHugePage) return;
  const size_t past = reinterpret_cast<uintptr_t>(data) % sim::kPageSize;
  const size_t skipped = past == 0 ? 0 : sim::kPageSize - past;
  ::madvise(static_cast<std::byte*>(data) + skipped, bytes - skipped, MADV_HUGEPAGE);
}

at::Tensor by_empty_like(const at::Tensor& like) { return at::empty_like(like, on_cpu(like)); }

at::Tensor by_zeros_like(const at::Tensor& like) { return at::zeros_like(like, on_cpu(like)); }

at::Tensor by_zeros(const at::Tensor& like) { return at::zeros(like.sizes(), on_cpu(like)); }

at::Tensor by_full_like(const at::Tensor& like) { return at::full_like(like, 0.02, on_cpu(like)); }

at::Tensor by_full_like_nan(const at::Tensor& like) {
  return at::full_like(like, kNan, on_cpu(like));
}

at::Tensor by_calloc(const at::Tensor& like) {
  const size_t bytes = like.nbytes();
  void* const data = std::calloc(bytes, 1);
  SIM_CHECK(data, "calloc of {} bytes", bytes);
  ask_for_huge_pages(data, bytes);
  return at::from_blob(
      data, like.sizes(), [](void* blob) { std::free(blob); }, on_cpu(like));
}

at::Tensor by_mmap(const at::Tensor& like) {
  const size_t bytes = like.nbytes();
  void* const data =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SIM_CHECK(data != MAP_FAILED, "mmap of {} bytes", bytes);
  ask_for_huge_pages(data, bytes);
  return at::from_blob(
      data, like.sizes(), [bytes](void* blob) { ::munmap(blob, bytes); }, on_cpu(like));
}

at::Tensor by_expanded_zero(const at::Tensor& like) {
  return at::zeros({}, on_cpu(like)).expand(like.sizes());
}

at::Tensor by_expanded_nan(const at::Tensor& like) {
  return at::full({}, kNan, on_cpu(like)).expand(like.sizes());
}

at::Tensor by_meta(const at::Tensor& like) { return at::empty_like(like); }

at::Tensor by_meta_then_empty(const at::Tensor& like) { return materialise(by_meta(like)); }

constexpr std::array kPlaceholders = {
    Placeholder{"empty_like", by_empty_like},
    Placeholder{"zeros_like", by_zeros_like},
    Placeholder{"zeros", by_zeros},
    Placeholder{"zeros_of_calloc", by_calloc},
    Placeholder{"zeros_of_mmap", by_mmap},
    Placeholder{"expanded_zero", by_expanded_zero},
    Placeholder{"expanded_nan", by_expanded_nan},
    Placeholder{"meta", by_meta},
    Placeholder{"meta_then_empty", by_meta_then_empty},
    Placeholder{"full_like", by_full_like},
    Placeholder{"full_like_nan", by_full_like_nan},
};

}  // namespace

std::span<const Placeholder> placeholders() { return kPlaceholders; }

at::Tensor materialise(const at::Tensor& placeholder) {
  return at::empty_like(placeholder,
                        on_cpu(placeholder).memory_format(at::MemoryFormat::Contiguous));
}

void take_huge_pages() {
  huge_pages_wanted = true;
  ::setenv("THP_MEM_ALLOC_ENABLE", "1", 1);
}

void refuse_huge_pages() { ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }

}  // namespace loadproof::bench
