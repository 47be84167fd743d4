// Writes safetensors files as the real library does, byte for byte.
//
// Compact JSON, metadata first, the header padded with spaces to 8 bytes, tensors by descending
// alignment of their dtype and then by name. A pure function of its arguments but for the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sim/dtype.h"
#include "sim/result.h"

namespace loadproof::sim {

// A tensor to be written; the bytes are the caller's and need no alignment.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

using SafetensorsMetadata = std::map<std::string, std::string>;

// The whole file in memory. Fails, naming the tensor, where a name is used twice, is reserved or is
// not UTF-8, where an extent is negative, or where the bytes are not as many as dtype and shape
// say.
Result<std::vector<std::byte>> serialize_safetensors(std::span<const TensorToWrite> tensors,
                                                     const SafetensorsMetadata& metadata);

// The file appears whole or not at all: it is written beside its place and then renamed, so that a
// mapping of an older file at that place stays intact.
Result<void> write_safetensors(const std::filesystem::path& path,
                               std::span<const TensorToWrite> tensors,
                               const SafetensorsMetadata& metadata);

// The same file with holes in place of the tensors' bytes, which nobody looks at: it is as long as
// it would be, reads as zeros, and takes no room on the disk.
Result<void> write_hollow_safetensors(const std::filesystem::path& path,
                                      std::span<const TensorToWrite> tensors,
                                      const SafetensorsMetadata& metadata);

}  // namespace loadproof::sim
