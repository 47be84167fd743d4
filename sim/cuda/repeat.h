// A pattern over memory that can only be copied to, as few copies as can be.
#pragma once

#include <algorithm>
#include <cstddef>

namespace loadproof::sim {

// Calls first(n), which must put the first n bytes of the pattern at the block's start, and then
// copy(at, n) again and again, which must copy the block's first n bytes to its byte `at`: until
// the block has `bytes` bytes of the pattern. Each copy is as long as what is there, so they are
// few.
template <typename First, typename Copy>
void repeat_pattern(size_t bytes, size_t pattern, First first, Copy copy) {
  size_t done = std::min(bytes, pattern);
  if (done > 0) first(done);
  while (done < bytes) {
    const size_t more = std::min(done, bytes - done);
    copy(done, more);
    done += more;
  }
}

}  // namespace loadproof::sim
