// A checkpoint in the Hugging Face layout: a directory with model.safetensors, or with
// model.safetensors.index.json and the shards that it names.
//
// Immutable once open: threads, ranks and cases may share one. The tensors' bytes lie in read-only
// mappings of the files, which the Checkpoint owns; nothing is copied, and moving it keeps them
// where they are. They are as aligned as the file has them, which may be less than their dtype's
// size. Offsets are in bytes from the start of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkpoint/mapped_file.h"
#include "sim/checkpoint/reading.h"
#include "sim/dtype.h"
#include "sim/result.h"

namespace loadproof::sim {

struct CheckpointTensor {
  std::string key;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  std::string file;  // relative to the directory
  int64_t file_begin = 0;
  int64_t file_end = 0;
  // Of [file_begin, file_end); fewer where the file ends before and nobody has looked (kMapped).
  std::span<const std::byte> bytes;
};

class Checkpoint {
 public:
  // Reads every header and checks the index against the files. All faults are reported at once, a
  // line each. As in the real library, model.safetensors is taken where both are there.
  static Result<Checkpoint> open(const std::filesystem::path& directory,
                                 const Reading& reading = {});

  const std::filesystem::path& directory() const { return directory_; }
  // By key.
  std::span<const CheckpointTensor> tensors() const { return tensors_; }
  // nullptr where there is no such tensor.
  const CheckpointTensor* find(std::string_view key) const;
  // Keys of this checkpoint that someone may have meant by `key`, the likeliest first.
  std::vector<std::string> nearest(std::string_view key) const;

 private:
  friend class CheckpointOpener;
  Checkpoint() = default;

  std::filesystem::path directory_;
  std::vector<MappedFile> files_;
  std::vector<CheckpointTensor> tensors_;
};

}  // namespace loadproof::sim
