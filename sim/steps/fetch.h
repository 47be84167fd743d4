// What a `read` finds in a store for one tensor, and the piece of it that a rank keeps.
//
// For read.cc. Values are of the call alone, or views of mapped files.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/checkpoint/reading.h"
#include "sim/dtype.h"
#include "sim/rank.h"
#include "sim/shard.h"
#include "sim/state.h"
#include "sim/steps/verb.h"

namespace loadproof::sim {

struct Fetched {
  at::Tensor value;       // dense, in the store's dtype
  StateMap states;        // as if it had the dtype that it is read as
  bool is_piece = false;  // of a size that only the rank's own piece has
  bool passed_over = false;          // of another shape, which `mismatch` says to leave
  OriginId left_alone = kNoOrigin;   // of elements that what the store has does not reach
  std::vector<std::string> keys = {};  // that it was made of
  // Where its bytes are, if they are all of a tensor of a file, and no others.
  struct InFile {
    std::filesystem::path path;
    int64_t begin = 0;
  };
  std::optional<InFile> in_file = {};
};

// The `index`-th tensor of the selection, to be read as `dtype`. Nothing: the store lacks it. An
// error: the store cannot be opened so, or what it has does not fit.
Result<std::optional<Fetched>> fetch(StepContext& context, int slot, int64_t index, DType dtype);

// How the step says that the store is read. An error is one of its variables.
Result<Reading> reading_of(const StepContext& context);

// The piece that a rank is to hold of a tensor: the declared one, else the one that it has.
inline const std::optional<Shard>& own_piece(const Slot& slot) {
  return slot.declared ? slot.declared : slot.shard;
}

// What a rank keeps of it: a dense tensor of its own.
struct Kept {
  at::Tensor value;
  StateMap states;
};
// `taken`: which elements, and where to; nothing: all. `own` is the piece that they should be: what
// of it is not taken is never written, and what is beside it is padding, which is zero.
Kept keep(const StepContext& context, int slot, const Fetched& fetched,
          const std::optional<Shard>& taken, const std::optional<Shard>& own, DType dtype);

}  // namespace loadproof::sim
