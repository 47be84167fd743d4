#include "sim/rank.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/check.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

bool same_piece(const std::optional<Shard>& a, const std::optional<Shard>& b) {
  return a && b ? a->layout == b->layout : a.has_value() == b.has_value();
}

bool holds_more(const std::optional<Shard>& before, const std::optional<Shard>& now) {
  return before && (!now || now->levels.size() < before->levels.size());
}

}  // namespace

Rank::Rank(int index, std::span<const TensorSpec> specs, const Topology& topology, bool whole,
           OriginTable& origins)
    : index_(index), origins_(&origins) {
  slots_.reserve(specs.size());
  storages_.reserve(2 * specs.size());
  const OriginId origin = origins.add({.kind = StateKind::kMeta, .rank = index});
  for (const TensorSpec& spec : specs) {
    Slot& slot = slots_.emplace_back();
    slot.spec = &spec;
    slot.held = whole || spec.held_by.contains(index, topology);
    slot.value = meta_tensor(spec.shape, spec.dtype);
    move_to(static_cast<int>(slots_.size()) - 1,
            add_storage(StateMap(bytes_of(slot.value), {origin, 0}), slot.value.numel(),
                        Device::kCpu));
  }
}

void Rank::declare(int i, Shard shard) {
  const OriginId meta = states(i).intervals().empty() ? kNoOrigin
                                                      : states(i).intervals()[0].cell.origin;
  at::Tensor piece = meta_tensor(shard.layout.shape, slot(i).spec->dtype);
  const int64_t bytes = bytes_of(piece);
  give(i, std::move(piece), StateMap(bytes, {meta, 0}), shard);
  at(i).declared = std::move(shard);
}

void Rank::count_writes() {
  counts_writes_ = true;
  for (size_t i = writes_.size(); i < storages_.size(); ++i)
    writes_.emplace_back(element_count(slots_[i].spec->shape));
}

int Rank::add_storage(StateMap states, int64_t elements, Device device) {
  storages_.push_back({.states = std::move(states), .device = device});
  if (counts_writes_) writes_.emplace_back(elements);
  ++version_;
  return static_cast<int>(storages_.size()) - 1;
}

void Rank::move_to(int i, int storage) {
  const int before = slot(i).storage;
  at(i).storage = storage;
  ++storages_[static_cast<size_t>(storage)].users;
  tell_log(i);  // it stands beside the one that it replaces
  if (before >= 0 && --storages_[static_cast<size_t>(before)].users == 0) release(before);
}

void Rank::release(int storage) {
  Storage& left = storages_[static_cast<size_t>(storage)];
  left.states = {};
  if (log_ && left.logged >= 0) log_->set(left.logged, {});
}

bool Rank::is_resident(const Storage& storage, OriginId origin) const {
  if (std::ranges::find(storage.in_file, origin) != storage.in_file.end()) return false;
  return !storage.fresh || (origin != kNoOrigin && is_written(origins_->at(origin)));
}

void Rank::tell_log(int i) {
  Storage& held = storages_[static_cast<size_t>(slot(i).storage)];
  if (!log_ || held.borrowed || slot(i).value.is_meta()) return;
  MemoryUse use{.resident = 0, .reserved = held.states.bytes()};
  for (const Interval& interval : held.states.intervals())
    if (is_resident(held, interval.cell.origin)) use.resident += interval.end - interval.begin;
  if (held.logged < 0) held.logged = log_->add(i, held.device);
  log_->set(held.logged, use);
}

void Rank::note_read(int i) const {
  const Storage& held = storages_[static_cast<size_t>(slot(i).storage)];
  if (log_ && held.logged >= 0) log_->read(held.logged);
}

void Rank::give(int i, at::Tensor value, StateMap states, std::optional<Shard> shard,
                NewStorage how) {
  SIM_CHECK(value.is_contiguous() && states.bytes() == bytes_of(value), "slot {}",
            slot(i).spec->name);
  const bool same = same_piece(slot(i).shard, shard);
  const Device on = how.device.value_or(device(i));
  if (!value.is_meta() && value.device() != place(on)) value = value.to(place(on));
  const int storage = add_storage(std::move(states), value.numel(), on);
  storages_.back().fresh = how.fresh;
  if (how.mapped)
    for (const Interval& interval : storages_.back().states.intervals())
      storages_.back().in_file.push_back(interval.cell.origin);
  // What an element has seen counts in its new storage, too.
  if (const WriteCounts* before = writes(i);
      before && same && !slot(i).view && before->elements() == value.numel())
    writes_.back() = *before;
  at(i).value = std::move(value);
  at(i).shard = std::move(shard);
  at(i).view.reset();
  at(i).gathered = same && slot(i).gathered;
  move_to(i, storage);
  if (counts_writes_) count(i, storage_states(i));
}

void Rank::count(int i, const StateMap& written) {
  const auto item = static_cast<int64_t>(slot(i).value.element_size());
  WriteCounts& writes = writes_[static_cast<size_t>(slot(i).storage)];
  for (const Interval& interval : written.intervals()) {
    const OriginId origin = interval.cell.origin;
    if (origin == kNoOrigin || !is_written(origins_->at(origin))) continue;
    const int64_t begin = interval.begin / item, end = (interval.end + item - 1) / item;
    if (!slot(i).view) writes.add(begin, end);
    if (!slot(i).view) continue;
    for (const Part& part : slot(i).view->parts) {
      const int64_t from = std::max(begin, part.piece);
      const int64_t to = std::min(end, part.piece + part.count);
      if (from < to) writes.add(part.whole + from - part.piece, part.whole + to - part.piece);
    }
  }
}

void Rank::give_shared(int i, const at::Tensor& value, StateMap states,
                       const std::optional<Shard>& shard, NewStorage how) {
  const int old = slot(i).view ? -1 : slot(i).storage;  // a view goes away alone
  const bool gathered = holds_more(slot(i).shard, shard);
  give(i, value, std::move(states), shard, how);
  at(i).gathered = at(i).gathered || gathered;
  if (old < 0 || storages_[static_cast<size_t>(old)].users == 0) return;
  for (size_t other = 0; other < slots_.size(); ++other) {
    Slot& sharing = slots_[other];
    if (sharing.storage != old || sharing.view) continue;  // a view keeps the old storage
    sharing.value = slot(i).value;
    sharing.shard = shard;
    sharing.gathered = slot(i).gathered;
    move_to(static_cast<int>(other), slot(i).storage);
  }
}

void Rank::bind(int i, int target) {
  at(i).value = slot(target).value;
  at(i).shard = slot(target).shard;
  at(i).gathered = slot(target).gathered;
  at(i).view = slot(target).view;
  at(i).view_states = slot(target).view_states;
  move_to(i, slot(target).storage);
  ++version_;
}

void Rank::bind_part(int i, int target, at::Tensor value, const Layout& part) {
  const std::optional<Layout>& outer = slot(target).view;
  has_views_ = true;
  at(i).view = outer ? compose(*outer, part) : part;
  at(i).value = std::move(value);
  at(i).shard.reset();
  move_to(i, slot(target).storage);
  see_again(slot(i).storage);
}

template <typename Edit>
void Rank::change(int i, Edit edit) {
  Slot& slot = at(i);
  StateMap& all = storages_[static_cast<size_t>(slot.storage)].states;
  edit(slot.view ? slot.view_states : all);
  if (counts_writes_) {
    StateMap written(slot.view ? slot.view_states.bytes() : all.bytes(), {kNoOrigin, 0});
    edit(written);
    count(i, written);
  }
  if (slot.view)
    put(all, slot.view_states, slot.view->parts, static_cast<int64_t>(slot.value.element_size()));
  see_again(slot.storage);
  tell_log(i);
}

void Rank::see_again(int storage) {
  ++version_;
  if (!has_views_) return;
  for (Slot& slot : slots_) {
    if (!slot.view || slot.storage != storage) continue;
    const auto item = static_cast<int64_t>(slot.value.element_size());
    slot.view_states = StateMap(bytes_of(slot.value), {kNoOrigin, 0});
    const StateMap& states = storages_[static_cast<size_t>(storage)].states;
    slot.view_states.splice(0, bytes_of(slot.value), pick(states, *slot.view, item, {}));
  }
}

void Rank::wrote(int i, const Box& box, const std::vector<Interval>& cells) {
  const at::Tensor& value = slot(i).value;
  change(i, [&](StateMap& states) {
    write_box(states, shape_of(value), box, static_cast<int64_t>(value.element_size()), cells);
  });
}

void Rank::wrote_parts(int i, const std::vector<Part>& parts, const std::vector<Interval>& cells) {
  const auto item = static_cast<int64_t>(slot(i).value.element_size());
  StateMap given(cells.empty() ? 0 : cells.back().end, {kNoOrigin, 0});
  given.splice(0, given.bytes(), cells);
  change(i, [&](StateMap& states) { put(states, given, parts, item); });
}

void Rank::wrote_bytes(int i, const std::vector<Interval>& cells) {
  change(i, [&](StateMap& states) {
    if (!cells.empty()) states.splice(0, cells.back().end, cells);
  });
}

void Rank::wrote_memory(int i, const std::vector<Interval>& cells) {
  const Slot& written = slot(i);
  if (!written.view) return wrote_bytes(i, cells);
  if (cells.empty()) return;
  const int64_t begin = written.value.storage_offset() *
                        static_cast<int64_t>(written.value.element_size());
  storages_[static_cast<size_t>(written.storage)].states.splice(begin, begin + cells.back().end,
                                                                cells);
  if (counts_writes_) {
    const auto item = static_cast<int64_t>(written.value.element_size());
    writes_[static_cast<size_t>(written.storage)].add(begin / item,
                                                      (begin + cells.back().end + item - 1) / item);
  }
  see_again(written.storage);
  tell_log(i);
}

void Rank::wrote_all(int i, Cell cell) {
  change(i, [&](StateMap& states) { states = StateMap(states.bytes(), cell); });
}

void Rank::wrote_rows(int i, int64_t begin, int64_t count, Cell cell) {
  const at::Tensor& value = slot(i).value;
  const int64_t row = value.size(0) == 0 ? 0 : bytes_of(value) / value.size(0);
  change(i, [&](StateMap& states) { states.write(begin * row, (begin + count) * row, cell); });
}

void Rank::adopt(int i, const Rank& other) {
  const Slot& theirs = other.slot(i);
  const at::Tensor& own = slot(i).value;
  const bool known = !own.is_meta() && !theirs.value.is_meta() && own.is_alias_of(theirs.value) &&
                     own.sizes() == theirs.value.sizes();
  if (!known) {
    const int storage = add_storage(other.states(i), theirs.value.numel(), other.device(i));
    storages_[static_cast<size_t>(storage)].borrowed = true;
    at(i).value = theirs.value;
    at(i).shard = theirs.shard;
    at(i).view.reset();
    return move_to(i, storage);
  }
  storages_[static_cast<size_t>(slot(i).storage)].states = other.storage_states(i);
  see_again(slot(i).storage);
  tell_log(i);
}

void Rank::set_flag(int i, const std::string& flag, bool on) {
  if (on)
    at(i).flags.insert(flag);
  else
    at(i).flags.erase(flag);
}

Rank Rank::clone() const {
  Rank copy = *this;
  std::map<int, at::Tensor> memory;  // by storage: all of it, densely
  for (Slot& slot : copy.slots_) {
    if (slot.value.is_meta()) continue;
    at::Tensor& all = memory[slot.storage];
    const int64_t elements = storages_[static_cast<size_t>(slot.storage)].states.bytes() /
                             static_cast<int64_t>(slot.value.element_size());
    const int64_t first = slot.view ? 0 : slot.value.storage_offset();
    if (!all.defined()) all = copied(slot.value.as_strided({elements}, {1}, first));
    slot.value = all.as_strided(slot.value.sizes(), slot.value.strides(),
                                slot.value.storage_offset() - first);
  }
  return copy;
}

void Rank::go_back_to(Rank before) {
  before.version_ = version_ + 1;
  for (const Storage& left : storages_)
    if (log_ && left.logged >= 0) log_->set(left.logged, {});
  *this = std::move(before);
  for (size_t i = 0; i < slots_.size(); ++i) tell_log(static_cast<int>(i));
}

void Rank::take(const Rank& other, std::span<const int> slots) {
  std::map<int, int> storages;  // of the other's: ours
  for (int i : slots) {
    const int theirs = other.slot(i).storage;
    const auto [known, is_new] = storages.try_emplace(theirs, -1);
    if (is_new) {
      known->second = add_storage(other.storage_states(i), other.slot(i).value.numel(),
                                  other.device(i));
      if (const WriteCounts* counts = other.writes(i)) writes_.back() = *counts;
    }
    const int before = slot(i).storage;
    at(i) = other.slot(i);
    at(i).storage = before;
    move_to(i, known->second);
  }
}

}  // namespace loadproof::sim
