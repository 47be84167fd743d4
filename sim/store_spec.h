// A store that a scenario declares: a folder of safetensors files, written before a world begins.
//
// Values only. The store called `file` is the checkpoint that oracles hold tensors against; with a
// model it is the model's own directory and cannot be declared.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/dtype.h"

namespace loadproof {

inline constexpr std::string_view kFileStore = "file";

// A tensor as a file holds it. Versions of a tensor are other values of the same shape.
struct StoredTensor {
  std::string tensor;   // of the scenario
  int64_t version = 0;
  bool operator==(const StoredTensor&) const = default;
};

struct StoredFile {
  std::string name;     // "model-1.safetensors"
  std::vector<StoredTensor> tensors;
  bool operator==(const StoredFile&) const = default;
};

// Who sees one copy of a store, and what others do to it.
enum class StorePer : uint8_t { kWorld, kNode, kRank };

struct StoreSpec {
  std::string name;
  int64_t version = 0;                  // of what the files do not list by themselves
  bool empty = false;                   // holds nothing until a step saves into it
  StorePer per = StorePer::kWorld;
  std::optional<DType> dtype;           // of floating-point tensors there; their own if unset
  std::string prefix;                   // of every key
  std::vector<StoredFile> files;        // none: one file with every tensor that stores hold
  std::map<std::string, std::string> index;  // key → file; empty: as the files are
  // Keys that hold several tensors stacked on a new first dimension, in place of those.
  std::map<std::string, std::vector<std::string>> stacked;
  bool operator==(const StoreSpec&) const = default;
};

}  // namespace loadproof
