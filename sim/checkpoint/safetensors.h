// Reads the header of one safetensors file, strictly: what it accepts is exactly covered by
// tensors.
//
// Format: https://github.com/huggingface/safetensors#format . Eight bytes of header length (little
// endian), the header (JSON), then the data section, to whose start all offsets here are relative,
// in bytes. A pure function over the file's bytes, which it does not keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkpoint/reading.h"
#include "sim/dtype.h"
#include "sim/result.h"

namespace loadproof::sim {

// The real library refuses longer headers, too.
inline constexpr int64_t kHeaderLengthMax = 100'000'000;
// The header's one key that names no tensor.
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct TensorEntry {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;  // empty: a scalar; an extent of 0: no bytes
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const TensorEntry&) const = default;
};

// INVARIANT: the tensors' ranges follow each other without hole or overlap from 0 to the end of the
// file, each as long as its dtype and shape say; names are unique.
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // by offset
  std::map<std::string, std::string> metadata;
  int64_t data_offset = 0;  // of the data section in the file
  bool operator==(const SafetensorsHeader&) const = default;
};

// What of the invariant is given up, as careless loaders do.
struct HeaderRules {
  bool any_layout = false;  // tensors' ranges lie anywhere, even beyond the end of the file
  bool trailing = false;    // bytes may follow the last tensor
  Twice twice = Twice::kRefuse;
};

// `file_name` is what messages call the file. All faults of all tensors are reported at once, a
// line each; faults of the layout only when every tensor by itself is sound.
Result<SafetensorsHeader> parse_safetensors(std::span<const std::byte> file,
                                            std::string_view file_name, HeaderRules rules = {});

// The bytes that a tensor of this dtype and shape has, or nothing when 64 bits cannot hold them.
// REQUIRES: no extent is negative.
std::optional<int64_t> byte_size(DType dtype, std::span<const int64_t> shape);

}  // namespace loadproof::sim
