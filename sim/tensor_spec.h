// What a model declares about one of its tensors, before any rank has storage for it.
//
// A model family turns a config.json into a list of these, in the order in which the real library's
// named_parameters() and then named_buffers() give them. Shapes are of the whole, unsharded tensor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/dtype.h"
#include "sim/formula.h"
#include "sim/layout.h"
#include "sim/rank_set.h"
#include "sim/slice.h"

namespace loadproof {

// A runtime buffer is a non-persistent one: it is in no state dict and in no checkpoint.
// Scratch is memory of the loader's own: nothing reads it at the end, so nobody judges it.
enum class TensorKind : uint8_t { kParameter, kBuffer, kRuntimeBuffer, kScratch };

// How the real library's initialiser (_init_weights) writes a tensor that no checkpoint gave.
enum class InitKind : uint8_t {
  kNone,      // the initialiser does not know it: it stays as it was allocated
  kNormal,    // normal(0, std)
  kZeros,
  kOnes,
  kAnalytic,  // a formula of the config, such as RoPE's inverse frequencies
};

struct Init {
  InitKind kind = InitKind::kNone;
  double std = 0;
  bool operator==(const Init&) const = default;
};

// One tensor of the checkpoint that lands in a box of a model tensor: rows
// [begin[d], begin[d] + size[d]) of each dimension d, row-major, without transposition. Most model
// tensors have one piece that covers them; a fused expert weight has one a projection and expert.
struct FilePiece {
  std::string key;
  std::vector<int64_t> shape;  // of the tensor in the file; its elements fill the box in order
  std::vector<int64_t> begin;
  std::vector<int64_t> size;
  bool operator==(const FilePiece&) const = default;
};

struct TensorSpec {
  std::string name;
  TensorKind kind = TensorKind::kParameter;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  std::string module_type;  // "Linear", "Embedding", "Qwen2RMSNorm", "Qwen2RotaryEmbedding", …
  Init init;
  std::string tied_to;             // the name whose storage this one shares, or empty
  std::optional<Slice> tied_slice;  // only this part of it: the tensor is a view
  std::optional<Formula> value;    // its elements, where a scenario declares them
  bool in_stores = false;          // the scenario's own stores hold it, under its name
  RankSet held_by;                 // the ranks that have it
  std::optional<Cut> cut;          // which piece of it each rank has, as members of `cut_over`
  std::string cut_over;
  std::string shared_over;         // ranks of one such group have one storage; empty: each its own
  double tolerance = 0;            // how far a value may be from what it must be
  std::vector<FilePiece> pieces;   // empty: the checkpoint has nothing for it
  bool operator==(const TensorSpec&) const = default;
};

constexpr std::string_view name(TensorKind kind) {
  switch (kind) {
    case TensorKind::kParameter: return "param";
    case TensorKind::kBuffer: return "buffer";
    case TensorKind::kRuntimeBuffer: return "runtime_buffer";
    case TensorKind::kScratch: return "scratch";
  }
  return "";
}

inline int64_t element_count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

}  // namespace loadproof
