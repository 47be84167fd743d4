// How torch.chunk cuts a dimension: pieces of ceil(extent / members), the last ones short or empty.
// https://pytorch.org/docs/stable/generated/torch.chunk.html ; FSDP2's Shard(0) cuts the same way.
#pragma once

#include <algorithm>
#include <cstdint>

namespace loadproof {

struct Chunk {
  int64_t begin = 0;
  int64_t size = 0;
};

constexpr Chunk chunk_of(int64_t extent, int64_t members, int64_t position) {
  const int64_t full = (extent + members - 1) / members;
  const int64_t begin = std::min(extent, full * position);
  return {begin, std::min(extent, begin + full) - begin};
}

// A rank's place in a group.
struct Place {
  int64_t members = 1;
  int64_t position = 0;
};

}  // namespace loadproof
