// How a checkpoint's files are read: the real loaders differ in what they look at.
//
// Values only.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace loadproof::sim {

// How much of what a checkpoint says of itself is looked at.
enum class Trust : uint8_t {
  kStrict,  // every header and the index against the files: any lie is an error
  kIndex,  // the index says which file a tensor is taken from; what it does not name is passed over
  kFiles,  // every *.safetensors that is there, in the order of names, of a tensor the last one
  kMapped,  // as kStrict, but the files' sizes are not looked at
};

// Of a key that an object of JSON has twice.
enum class Twice : uint8_t { kRefuse, kFirst, kLast };

struct Reading {
  Trust trust = Trust::kStrict;
  std::optional<bool> trailing = {};  // bytes behind the last tensor may be; kMapped alone if unset
  Twice twice = Twice::kRefuse;       // of a header
  std::string files = {};             // only those of this pattern, as listed but for kIndex
  bool may_be_empty = false;          // no file at all is a checkpoint without tensors
  auto operator<=>(const Reading&) const = default;
};

}  // namespace loadproof::sim
