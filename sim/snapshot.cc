#include "sim/snapshot.h"

#include <fmt/ranges.h>

#include <cstring>

#include "sim/memory/scan.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

// Where the bytes of one storage stand: the ranges told in full, the rest as counts alone.
void tell_states(const Rank& rank, int slot, const ChainScope& scope, TensorObservation& seen) {
  const int64_t item = item_size(seen.dtype);
  for (const Interval& interval : rank.states(slot).intervals()) {
    const StateKind root = scope.origins.root_kind(interval.cell.origin);
    StateRange range{.begin = interval.begin / item, .end = (interval.end + item - 1) / item};
    seen.state_counts[static_cast<size_t>(root)] += range.end - range.begin;
    if (seen.states.size() == kStateRangesMax) {
      seen.states.back().end = range.end;
      seen.states.back().chain = "more ranges than are told";
      continue;
    }
    const Origin& last = scope.origins.at(interval.cell.origin);
    const Origin& first = scope.origins.at(chain_end(scope.origins, interval.cell.origin));
    range.kind = last.kind;
    range.root = root;
    range.step = last.step;
    range.root_step = first.step;
    range.root_rank = first.rank;
    range.chain = describe_chain(scope, interval.cell, interval.end - interval.begin);
    seen.states.push_back(std::move(range));
  }
}

// Elements of a piece's box that do not come from their own place in the file.
int64_t strayed(const Rank& rank, int slot, const FilePiece& piece, const ChainScope& scope) {
  const at::Tensor& value = rank.slot(slot).value;
  const int64_t item = static_cast<int64_t>(value.element_size());
  int64_t count = 0;
  for (const Interval& cell :
       read_box(rank.states(slot), shape_of(value), {piece.begin, piece.size}, item)) {
    const Origin& source = scope.origins.at(chain_end(scope.origins, cell.cell.origin));
    const bool home = source.kind == StateKind::kLoaded && source.what == piece.key &&
                      source_element(scope.origins, cell.cell) == cell.begin / item;
    if (!home) count += (cell.end - cell.begin) / item;
  }
  return count;
}

template <typename Word>
void tally(const std::byte* left, const std::byte* right, int64_t count, Comparison& seen) {
  for (int64_t i = 0; i < count; ++i) {
    Word a, b;
    std::memcpy(&a, left + static_cast<size_t>(i) * sizeof(Word), sizeof(Word));
    std::memcpy(&b, right + static_cast<size_t>(i) * sizeof(Word), sizeof(Word));
    if (a == b) continue;
    if (seen.differing++ == 0) seen.first_differing = i;
    seen.last_differing = i;
  }
}

void compare_elements(const at::Tensor& value, const at::Tensor& reference, Comparison& seen) {
  const std::byte* left = data_of(value);
  const std::byte* right = data_of(reference);
  if (!first_difference(left, right, bytes_of(value))) {
    seen.equal = true;
    return;
  }
  switch (value.element_size()) {
    case 1: tally<uint8_t>(left, right, value.numel(), seen); break;
    case 2: tally<uint16_t>(left, right, value.numel(), seen); break;
    case 4: tally<uint32_t>(left, right, value.numel(), seen); break;
    default: tally<uint64_t>(left, right, value.numel(), seen); break;
  }
  seen.reason = fmt::format("{} of {} elements differ", seen.differing, value.numel());
}

Comparison compare(const Rank& rank, int slot, const Asset& asset, const ChainScope& scope) {
  Comparison seen;
  const at::Tensor& reference = asset.reference(slot);
  if (!reference.defined()) return seen;
  seen.known = true;
  const Slot& held = rank.slot(slot);
  if (held.value.is_meta()) {
    seen.reason = "still on meta";
  } else if (held.value.scalar_type() != reference.scalar_type()) {
    seen.reason =
        fmt::format("is {} instead of {}", name(dtype_of(held.value)), name(dtype_of(reference)));
  } else if (held.shard) {
    const at::Tensor piece =
        reference.narrow(held.shard->dim, held.shard->begin, held.value.size(held.shard->dim));
    compare_elements(held.value, piece.contiguous(), seen);
  } else if (held.value.sizes() != reference.sizes()) {
    seen.reason = fmt::format("has shape [{}] instead of [{}]", fmt::join(held.value.sizes(), ", "),
                              fmt::join(reference.sizes(), ", "));
  } else {
    compare_elements(held.value, reference, seen);
    const TensorSpec& spec = *held.spec;
    const std::optional<int> tied = asset.slot_named(spec.tied_to);
    const int owner = tied ? *tied : slot;
    if (asset.in_file()[static_cast<size_t>(owner)])
      for (const FilePiece& piece : asset.specs()[static_cast<size_t>(owner)].pieces)
        seen.not_from_source += strayed(rank, slot, piece, scope);
  }
  return seen;
}

void count(const at::Tensor& value, TensorObservation& seen) {
  const ElementCounts counts = count_elements(data_of(value), value.numel(), seen.dtype);
  seen.nan = counts.nan;
  seen.inf = counts.inf;
  seen.zero = counts.zero;
  seen.one = counts.one;
  uint64_t key = static_cast<uint64_t>(seen.dtype) + 1;
  for (int64_t extent : seen.shape) key = key * 1000003 + static_cast<uint64_t>(extent);
  seen.digest = digest(data_of(value), static_cast<size_t>(bytes_of(value)), key);
}

TensorObservation observe_tensor(const Rank& rank, int slot, const Asset& asset,
                                 const ChainScope& scope) {
  const Slot& held = rank.slot(slot);
  TensorObservation seen{.name = held.spec->name,
                         .kind = held.spec->kind,
                         .declared_dtype = held.spec->dtype,
                         .dtype = dtype_of(held.value),
                         .declared_shape = held.spec->shape,
                         .shape = shape_of(held.value),
                         .meta = held.value.is_meta(),
                         .storage = held.storage,
                         .tied_to = held.spec->tied_to,
                         .flags = {held.flags.begin(), held.flags.end()},
                         .elements = held.value.numel()};
  if (!seen.meta) count(held.value, seen);
  tell_states(rank, slot, scope, seen);
  seen.reference = compare(rank, slot, asset, scope);
  return seen;
}

}  // namespace

std::vector<TensorObservation> observe_tensors(const Rank& rank, const Asset& asset,
                                               const ChainScope& scope) {
  std::vector<TensorObservation> seen;
  seen.reserve(rank.slots().size());
  for (size_t i = 0; i < rank.slots().size(); ++i)
    seen.push_back(observe_tensor(rank, static_cast<int>(i), asset, scope));
  return seen;
}

}  // namespace loadproof::sim
