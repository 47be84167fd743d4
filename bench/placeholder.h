// The ways to hold the place of a parameter that this project measures, and what becomes of each if
// nobody ever writes it.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string_view>

namespace loadproof::bench {

// `like` is on meta and has the shape and dtype. Placeholders are on the CPU but for meta's.
struct Placeholder {
  std::string_view name;
  at::Tensor (*make)(const at::Tensor& like);
};

// empty_like is the first: what the others are compared with.
std::span<const Placeholder> placeholders();

// Memory for a placeholder that has none of its own; it holds anything.
at::Tensor materialise(const at::Tensor& placeholder);

// From now on all of these take huge pages: of torch's allocator by THP_MEM_ALLOC_ENABLE, which it
// reads at its first allocation. REQUIRES: there was none in this process.
void take_huge_pages();

// The kernel gives this process none from now on, whatever it asks for.
void refuse_huge_pages();

}  // namespace loadproof::bench
