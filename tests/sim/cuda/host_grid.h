// Runs a kernel of CUDA on threads of the host, a block after the other: the few words of CUDA that
// sim/cuda/scan_kernels.inc uses, by what they mean. Include it before the kernels.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace loadproof::sim::host_grid {

struct Index {
  unsigned x = 0;
};

constexpr unsigned kWarp = 32;

struct Warp {
  std::barrier<> barrier{kWarp};
  unsigned long long slots[kWarp] = {};
};

// What the threads of the block that runs share.
struct Block {
  explicit Block(unsigned threads) : barrier(threads), warps(threads / kWarp) {}
  std::barrier<> barrier;
  std::vector<Warp> warps;
};

inline thread_local Index thread_index_, block_index_;
inline Index block_size_, grid_size_;
inline Block* block_ = nullptr;

// Calls kernel(arguments…) as <<<blocks, threads>>> would. REQUIRES: whole warps.
template <typename Kernel, typename... Arguments>
void launch(unsigned blocks, unsigned threads, Kernel kernel, Arguments... arguments) {
  Block block(threads);
  block_ = &block;
  block_size_.x = threads;
  grid_size_.x = blocks;
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      thread_index_.x = i;
      for (block_index_.x = 0; block_index_.x < blocks; ++block_index_.x) {
        kernel(arguments...);
        block.barrier.arrive_and_wait();
      }
    });
  for (std::thread& thread : all) thread.join();
}

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

inline uint4 __ldg(const uint4* from) {
  uint4 vector;
  std::memcpy(&vector, std::assume_aligned<16>(reinterpret_cast<const char*>(from)), sizeof vector);
  return vector;
}
inline int __popc(unsigned word) { return __builtin_popcount(word); }
inline int __popcll(unsigned long long word) { return __builtin_popcountll(word); }

inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<unsigned long long>(static_cast<Wide>(a) * b >> 64);
}

inline void __syncthreads() { block_->barrier.arrive_and_wait(); }

inline unsigned __reduce_add_sync(unsigned, unsigned value) {
  Warp& warp = block_->warps[thread_index_.x / kWarp];
  warp.slots[thread_index_.x % kWarp] = value;
  warp.barrier.arrive_and_wait();
  unsigned sum = 0;
  for (const unsigned long long one : warp.slots) sum += static_cast<unsigned>(one);
  warp.barrier.arrive_and_wait();
  return sum;
}

inline unsigned long long __shfl_xor_sync(unsigned, unsigned long long value, int bits) {
  Warp& warp = block_->warps[thread_index_.x / kWarp];
  const unsigned own = thread_index_.x % kWarp;
  warp.slots[own] = value;
  warp.barrier.arrive_and_wait();
  const unsigned long long other = warp.slots[own ^ static_cast<unsigned>(bits)];
  warp.barrier.arrive_and_wait();
  return other;
}

inline void atomicAdd(unsigned long long* to, unsigned long long value) {
  std::atomic_ref(*to).fetch_add(value);
}
inline void atomicMin(unsigned long long* to, unsigned long long value) {
  std::atomic_ref<unsigned long long> least(*to);
  unsigned long long now = least.load();
  while (value < now && !least.compare_exchange_weak(now, value)) {
  }
}

}  // namespace loadproof::sim::host_grid

#define __device__
#define __global__
#define __shared__ static
#define __launch_bounds__(...)
#define threadIdx ::loadproof::sim::host_grid::thread_index_
#define blockIdx ::loadproof::sim::host_grid::block_index_
#define blockDim ::loadproof::sim::host_grid::block_size_
#define gridDim ::loadproof::sim::host_grid::grid_size_
