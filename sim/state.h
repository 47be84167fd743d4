// What is known of every byte a rank holds: not its value, but where it came from.
//
// Beside each storage the world keeps a StateMap: an ordered list of byte intervals, each with a
// Cell. A cell points to an Origin, a node of the world's append-only OriginTable; parents of
// origins form the chain "received from rank 0, loaded from model.safetensors, key K, bytes A to
// B". Values of this header know no torch type; they are confined to the thread of their world.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sim/result.h"

namespace loadproof {

enum class StateKind : uint8_t {
  kMeta,         // no storage at all
  kUndefined,    // allocated, never written
  kPlaceholder,  // a constant that the loader wrote to hold the place
  kRandom,       // drawn by the initialiser
  kComputed,     // analytic: RoPE frequencies, norms of one, biases of zero
  kLoaded,       // from a file of the checkpoint
  kReceived,     // by a collective; the chain goes on at the sender
  kDerived,      // made from others by a cast or an operation
  kTainted,      // derived from bytes of which some must not reach sampling
};
inline constexpr int kStateKinds = 9;

std::string_view name(StateKind kind);
Result<StateKind> state_named(std::string_view text);

// True for what must never reach sampling: meta, undefined, placeholder, tainted.
constexpr bool must_not_reach_sampling(StateKind kind) {
  return kind == StateKind::kMeta || kind == StateKind::kUndefined ||
         kind == StateKind::kPlaceholder || kind == StateKind::kTainted;
}

using OriginId = int32_t;
inline constexpr OriginId kNoOrigin = -1;

// One event that gave bytes their content.
struct Origin {
  StateKind kind = StateKind::kUndefined;
  int32_t rank = 0;             // the rank on which it happened; of kReceived: the sender
  int32_t step = -1;            // index into the program's flat step list, or -1
  OriginId parent = kNoOrigin;  // of kReceived, kDerived, kTainted, and kLoaded what a rank saved
  int32_t item_size = 1;        // bytes of one element as it was written here
  std::string what;             // kLoaded: the key; kReceived: the sender's tensor; else a detail
  std::string file;             // of kLoaded
  bool operator==(const Origin&) const = default;
};

// Append-only and deduplicated: the same event has one id, in order of first use.
class OriginTable {
 public:
  OriginId add(Origin origin);
  const Origin& at(OriginId id) const { return origins_[static_cast<size_t>(id)]; }
  // The kind at the end of the chain: what the bytes are, however far they have travelled. A cast
  // of undefined bytes is tainted and stays so.
  StateKind root_kind(OriginId id) const { return roots_[static_cast<size_t>(id)]; }
  // The origin at the end of the chain of received bytes: the first that is not kReceived.
  OriginId root(OriginId id) const;
  size_t size() const { return origins_.size(); }

 private:
  std::vector<Origin> origins_;
  std::vector<StateKind> roots_;
  std::map<std::tuple<StateKind, int32_t, int32_t, OriginId, int32_t, std::string, std::string>,
           OriginId>
      index_;
};

// The state of one interval. `offset` is the position of the interval's first byte in the tensor
// that the origin wrote, in bytes as written there; it advances with the position and survives
// transport, so that the chain of a slice still tells which elements of which key it holds.
struct Cell {
  OriginId origin = kNoOrigin;
  int64_t offset = 0;
  bool operator==(const Cell&) const = default;
};

struct Interval {
  int64_t begin = 0;  // bytes, within the storage
  int64_t end = 0;
  Cell cell;
  bool operator==(const Interval&) const = default;
};

// INVARIANT: the intervals are sorted, do not overlap, cover [0, bytes) and are maximal: neighbours
// whose cells continue each other are one interval.
class StateMap {
 public:
  StateMap() = default;
  StateMap(int64_t bytes, Cell cell);
  int64_t bytes() const { return bytes_; }
  const std::vector<Interval>& intervals() const { return intervals_; }
  // REQUIRES: 0 <= begin <= end <= bytes().
  void write(int64_t begin, int64_t end, Cell cell);
  // All of [begin, end) at once: `cells` are intervals relative to begin that cover it in order.
  void splice(int64_t begin, int64_t end, const std::vector<Interval>& cells);
  // Many at once, in one pass over all. REQUIRES: they are in order and do not overlap.
  struct Splice {
    int64_t begin = 0, end = 0;
    std::vector<Interval> cells;
  };
  void splice_all(std::span<const Splice> edits);
  // The intervals of [begin, end), clipped, with offsets moved to the clipped beginnings.
  std::vector<Interval> read(int64_t begin, int64_t end) const;
  // The same, as they stand from `at` on in another map: what splice() and write_box() take.
  std::vector<Interval> cut_out(int64_t begin, int64_t end, int64_t at = 0) const;
  bool operator==(const StateMap&) const = default;

 private:
  int64_t bytes_ = 0;
  std::vector<Interval> intervals_;
};

}  // namespace loadproof
