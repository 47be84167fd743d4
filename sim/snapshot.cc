#include "sim/snapshot.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "sim/accelerators.h"
#include "sim/memory/scan.h"
#include "sim/mismatch.h"
#include "sim/splitmix.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

constexpr size_t kRangesTold = 4;

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
    const bool home =
        source.kind == StateKind::kLoaded &&
        (!store_of(source).empty() || (source.what == piece.key &&
                                       source_element(scope.origins, cell.cell) ==
                                           cell.begin / item));
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

void tally_bits(const std::byte* left, const std::byte* right, int64_t count, int64_t item,
                Comparison& seen) {
  switch (item) {
    case 1:
      return tally<uint8_t>(left, right, count, seen);
    case 2:
      return tally<uint16_t>(left, right, count, seen);
    case 4:
      return tally<uint32_t>(left, right, count, seen);
    default:
      return tally<uint64_t>(left, right, count, seen);
  }
}

// NaN is near NaN alone.
void tally_beyond(double tolerance, const at::Tensor& left, const at::Tensor& right,
                  Comparison& seen) {
  const at::Tensor a = left.to(at::kDouble), b = right.to(at::kDouble);
  const auto* from = a.const_data_ptr<double>();
  const auto* to = b.const_data_ptr<double>();
  for (int64_t i = 0; i < a.numel(); ++i) {
    const bool both_nan = std::isnan(from[i]) && std::isnan(to[i]);
    if (both_nan || from[i] == to[i] || std::abs(from[i] - to[i]) <= tolerance) continue;
    if (seen.differing++ == 0) seen.first_differing = i;
    seen.last_differing = i;
  }
}

// What a slot holds, contiguous on the host. It is copied there when somebody asks for it, which of
// a large tensor on a device nobody may do.
class HeldHere {
 public:
  explicit HeldHere(const at::Tensor& held) : held_(held) {}
  const at::Tensor& get() {
    if (!here_.defined()) here_ = on_host(held_).contiguous();
    return here_;
  }

 private:
  const at::Tensor& held_;
  at::Tensor here_;
};

// A piece against the same elements of the whole. Padding is nobody's.
void compare_elements(const at::Tensor& value, const at::Tensor& reference,
                      const std::vector<Part>& parts, double tolerance, Comparison& seen) {
  const auto item = static_cast<int64_t>(value.element_size());
  for (const Part& part : parts) {
    const std::byte* left = data_of(value) + part.piece * item;
    const std::byte* right = data_of(reference) + part.whole * item;
    if (!first_difference(left, right, part.count * item)) continue;
    Comparison here;
    if (tolerance > 0)
      tally_beyond(tolerance, value.view(-1).narrow(0, part.piece, part.count),
                   reference.view(-1).narrow(0, part.whole, part.count), here);
    else
      tally_bits(left, right, part.count, item, here);
    if (here.differing == 0) continue;
    if (seen.differing == 0) seen.first_differing = part.piece + here.first_differing;
    seen.last_differing = part.piece + here.last_differing;
    seen.differing += here.differing;
  }
  seen.equal = seen.differing == 0;
  if (!seen.equal)
    seen.reason = fmt::format("{} of {} elements differ", seen.differing, value.numel());
}

// "all of it", "elements 4 to 7 of it"
std::string text_of(const std::optional<Shard>& shard, int64_t elements) {
  const std::vector<Part> all{{0, 0, elements}};
  const std::vector<Part>& parts = shard ? shard->layout.parts : all;
  std::vector<std::string> ranges;
  for (const Part& part : parts) {
    if (ranges.size() == kRangesTold) return fmt::format("elements {}, …", fmt::join(ranges, ", "));
    ranges.push_back(fmt::format("{} to {}", part.whole, part.whole + part.count - 1));
  }
  if (!shard) return "all of it";
  return parts.empty() ? "none of it" : fmt::format("elements {}", fmt::join(ranges, ", "));
}

std::vector<Part> parts_of(const Slot& slot) {
  return slot.shard ? slot.shard->layout.parts : std::vector<Part>{{0, 0, slot.value.numel()}};
}

// What stands in the way of its being the piece that the tensor declares: "" where it is that, or a
// part of it, or more of it by a gather.
std::string astray(const Slot& slot) {
  if (!slot.declared || slot.value.is_meta() || slot.gathered || slot.view) return "";
  const std::vector<Part>& declared = slot.declared->layout.parts;
  if (parts_of(slot) == declared && shape_of(slot.value) == slot.declared->layout.shape) return "";
  if (slot.shard) {
    const Shard::Level& first = slot.shard->levels.front();
    const Shard::Level& wanted = slot.declared->levels.front();
    if (first.cut == wanted.cut && first.group == wanted.group) return "";
  }
  return fmt::format("{} instead of {}", text_of(slot.shard, slot.value.numel()),
                     text_of(slot.declared, slot.value.numel()));
}

bool holds_all(const Slot& held, const at::Tensor& reference) {
  return held.value.sizes() == reference.sizes() &&
         parts_of(held) == std::vector<Part>{{0, 0, held.value.numel()}};
}

// Of its dtype and shape, for a digest of them and the bytes.
uint64_t key_of(const at::Tensor& tensor) {
  uint64_t key = static_cast<uint64_t>(dtype_of(tensor)) + 1;
  for (const int64_t extent : tensor.sizes()) key = key * 1000003 + static_cast<uint64_t>(extent);
  return key;
}

// `digest` is the observed one of what the slot holds; the reference's is asked for where it spares
// the copy of a tensor that is on a device.
template <typename DigestOfReference>
Comparison compare_with(const Slot& held, HeldHere& here, uint64_t digest,
                        const at::Tensor& reference, DigestOfReference digest_of_reference) {
  Comparison seen;
  if (!reference.defined()) return seen;
  seen.known = true;
  if (held.value.is_meta() && held.value.numel() > 0) {
    seen.reason = "still on meta";
  } else if (held.value.scalar_type() != reference.scalar_type()) {
    seen.reason =
        fmt::format("is {} instead of {}", name(dtype_of(held.value)), name(dtype_of(reference)));
  } else if (!held.shard && held.value.sizes() != reference.sizes()) {
    seen.reason = fmt::format("has shape [{}] instead of [{}]", fmt::join(held.value.sizes(), ", "),
                              fmt::join(reference.sizes(), ", "));
  } else if (digests_in_place(held.value) && holds_all(held, reference) &&
             digest == digest_of_reference(key_of(reference))) {
    seen.equal = true;
  } else {
    compare_elements(here.get(), reference.contiguous(), parts_of(held), held.spec->tolerance,
                     seen);
  }
  return seen;
}

// Against the store `file`: also where the elements came from.
Comparison compare_with_file(const Rank& rank, int slot, HeldHere& here, uint64_t digest,
                             const Asset& asset, const ChainScope& scope) {
  const Slot& held = rank.slot(slot);
  Comparison seen = compare_with(held, here, digest, asset.reference(slot), [&](uint64_t key) {
    return asset.reference_digest(slot, key);
  });
  const std::optional<int> tied = asset.slot_named(held.spec->tied_to);
  const int owner = tied && !held.spec->tied_slice ? *tied : slot;
  if (!asset.in_file()[static_cast<size_t>(owner)]) return seen;
  seen.from_file = seen.known;
  const std::vector<FilePiece>& pieces = asset.specs()[static_cast<size_t>(owner)].pieces;
  if (!held.shard && (seen.equal || seen.differing > 0))
    for (const FilePiece& piece : pieces) seen.not_from_source += strayed(rank, slot, piece, scope);
  if (seen.differing > 0 && pieces.size() == 1)
    tell_mismatch(rank, slot, pieces[0].key, scope, seen);
  return seen;
}

// Counted where it is. Its digest is the same on every device.
void count(const at::Tensor& held, HeldHere& here, TensorObservation& seen) {
  const at::Tensor value = held.is_cpu() ? here.get() : held.contiguous();
  const ElementCounts counts = count_elements(value);
  seen.nan = counts.nan;
  seen.inf = counts.inf;
  seen.zero = counts.zero;
  seen.one = counts.one;
  seen.digest = digest_of(digests_in_place(value) ? value : here.get(), key_of(value));
}

TensorObservation observe_tensor(const Rank& rank, int slot, const Asset& asset,
                                 std::span<const at::Tensor> declared, const ChainScope& scope) {
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
  HeldHere here(held.value);
  if (!seen.meta) count(held.value, here, seen);
  tell_states(rank, slot, scope, seen);
  seen.reference = compare_with_file(rank, slot, here, seen.digest, asset, scope);
  if (!declared.empty()) {
    const at::Tensor& value = declared[static_cast<size_t>(slot)];
    seen.declared = compare_with(held, here, seen.digest, value, [&](uint64_t key) {
      return digest_of(value.contiguous(), key);
    });
  }
  seen.astray = astray(held);
  if (held.shard) {
    const std::vector<Part>& parts = held.shard->layout.parts;
    seen.piece = digest(parts.data(), parts.size() * sizeof(Part), 1);
    for (const Part& part : parts)
      if (seen.held.size() < kHeldRangesMax)
        seen.held.push_back({part.whole, part.whole + part.count});
  }
  return seen;
}

// One number for an element and its place, such that sums of them tell sets of elements apart.
uint64_t mixed(uint64_t place, uint64_t bits) { return splitmix(place * kSplitmixStep + bits); }

uint64_t content_of(const Slot& slot) {
  if (slot.value.is_meta()) return 0;
  const at::Tensor value = on_host(slot.value).contiguous();
  const auto item = static_cast<size_t>(value.element_size());
  uint64_t sum = 1;
  for (const Part& part : parts_of(slot))
    for (int64_t i = 0; i < part.count; ++i) {
      uint64_t bits = 0;
      std::memcpy(&bits, data_of(value) + static_cast<size_t>(part.piece + i) * item, item);
      sum += mixed(static_cast<uint64_t>(part.whole + i) + 1, bits);
    }
  return sum;
}

}  // namespace

void add_contents(const Rank& rank, std::vector<TensorObservation>& seen) {
  size_t next = 0;
  for (const Slot& slot : rank.slots())
    if (slot.held) seen[next++].content = content_of(slot);
}

std::vector<TensorObservation> observe_tensors(const Rank& rank, const Asset& asset,
                                               std::span<const at::Tensor> declared,
                                               const ChainScope& scope) {
  std::vector<TensorObservation> seen;
  seen.reserve(rank.slots().size());
  for (size_t i = 0; i < rank.slots().size(); ++i)
    if (rank.slots()[i].held)
      seen.push_back(observe_tensor(rank, static_cast<int>(i), asset, declared, scope));
  return seen;
}

void add_writes(const Rank& rank, const OriginTable& origins,
                std::vector<WritesObservation>& writes) {
  std::set<int> told;
  for (size_t i = 0; i < rank.slots().size(); ++i) {
    const Slot& slot = rank.slots()[i];
    const auto index = static_cast<int>(i);
    const bool judged = slot.held && slot.spec->kind != TensorKind::kScratch;
    if (!judged || !told.insert(slot.storage).second) continue;
    const std::vector<WriteCounts::Stretch>& stretches = rank.writes(index)->stretches();
    const auto most = std::ranges::max_element(stretches, {}, &WriteCounts::Stretch::writes);
    if (most == stretches.end() || most->writes == 0) continue;
    const int64_t item = static_cast<int64_t>(slot.value.element_size());
    const auto last = rank.storage_states(index).read(most->begin * item, most->end * item);
    writes.push_back({rank.index(), slot.spec->name, most->writes, most->begin, most->end,
                      last.empty() ? -1 : origins.at(last[0].cell.origin).step});
  }
}

}  // namespace loadproof::sim
