// Safetensors files with another header than they were written with, as faults and other writers
// leave them.
//
// Pure functions over a file's bytes. What comes of it need not be readable; that it was readable
// before is required, but for where its tensors lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkpoint/safetensors.h"

namespace loadproof::sim {

// What the header says of one tensor from now on; of what is left out it says what it said.
struct HeaderChange {
  std::string tensor;
  std::optional<DType> dtype;
  std::optional<std::vector<int64_t>> shape;
  int64_t offset = 0;              // by which its range lies further on
  std::string rename;
  std::optional<std::vector<std::byte>> again;  // a second entry under its key, for these bytes

  bool retells() const { return dtype || shape || offset != 0; }
};

// Where the data section begins. An error: the file is too short to say so.
Result<int64_t> data_offset_of(const std::vector<std::byte>& file, std::string_view file_name);

// The entry of a tensor. Nothing: the file has none of it.
Result<std::optional<TensorEntry>> entry_of(const std::vector<std::byte>& file,
                                            std::string_view file_name, std::string_view tensor);

// Rewrites the header; bytes of `again` follow the last of the file. An error names what cannot be
// changed so. A header that has grown moves the data section on.
Result<void> change_header(std::vector<std::byte>& file, std::string_view file_name,
                           const HeaderChange& change);

}  // namespace loadproof::sim
