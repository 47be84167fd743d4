// The index of a sharded checkpoint, model.safetensors.index.json: which file has which tensor.
//
// A pure function over the text. Whether the files are there and hold what the index says is for
// Checkpoint (sim/checkpoint/checkpoint.h) to find out.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::sim {

struct CheckpointIndex {
  // Tensor key to file name. INVARIANT: not empty; each file name is relative, '/'-separated and
  // stays within the checkpoint's directory.
  std::map<std::string, std::string> weight_map;
  bool operator==(const CheckpointIndex&) const = default;
};

// The index's "metadata" is not read: its total_size is wrong in many published checkpoints and the
// real library ignores it. All faults are reported at once, a line each.
Result<CheckpointIndex> parse_index(std::string_view text, std::string_view file_name);

// Writes an index as the real library does, with empty metadata.
Result<void> write_index(const std::filesystem::path& path,
                         const std::map<std::string, std::string>& weight_map);

}  // namespace loadproof::sim
