#include "sim/rank.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/check.h"
#include "sim/memory/scan.h"
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
    : index_(index) {
  slots_.reserve(specs.size());
  storages_.reserve(2 * specs.size());
  const OriginId origin = origins.add({.kind = StateKind::kMeta, .rank = index});
  for (const TensorSpec& spec : specs) {
    Slot& slot = slots_.emplace_back();
    slot.spec = &spec;
    slot.held = whole || spec.held_by.contains(index, topology);
    slot.value = meta_tensor(spec.shape, spec.dtype);
    slot.storage = add_storage(StateMap(bytes_of(slot.value), {origin, 0}), slot.value.numel());
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

void Rank::count_writes(const OriginTable& origins) {
  origins_ = &origins;
  for (size_t i = writes_.size(); i < storages_.size(); ++i)
    writes_.emplace_back(element_count(slots_[i].spec->shape));
}

int Rank::add_storage(StateMap states, int64_t elements) {
  storages_.push_back(std::move(states));
  if (origins_) writes_.emplace_back(elements);
  ++version_;
  return static_cast<int>(storages_.size()) - 1;
}

void Rank::give(int i, at::Tensor value, StateMap states, std::optional<Shard> shard) {
  SIM_CHECK(value.is_contiguous() && states.bytes() == bytes_of(value), "slot {}",
            slot(i).spec->name);
  const bool same = same_piece(slot(i).shard, shard);
  const int storage = add_storage(std::move(states), value.numel());
  // What an element has seen counts in its new storage, too.
  if (const WriteCounts* before = writes(i);
      before && same && !slot(i).view && before->elements() == value.numel())
    writes_.back() = *before;
  at(i).value = std::move(value);
  at(i).storage = storage;
  at(i).shard = std::move(shard);
  at(i).view.reset();
  at(i).gathered = same && slot(i).gathered;
  if (origins_) count(i, storage_states(i));
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
                       const std::optional<Shard>& shard) {
  const int old = slot(i).view ? -1 : slot(i).storage;  // a view goes away alone
  const bool gathered = holds_more(slot(i).shard, shard);
  give(i, value, std::move(states), shard);
  at(i).gathered = at(i).gathered || gathered;
  for (Slot& other : slots_) {
    if (other.storage != old || other.view) continue;  // who has a view keeps the old storage
    other.value = slot(i).value;
    other.storage = slot(i).storage;
    other.shard = shard;
    other.gathered = slot(i).gathered;
  }
}

void Rank::bind(int i, int target) {
  at(i).value = slot(target).value;
  at(i).storage = slot(target).storage;
  at(i).shard = slot(target).shard;
  at(i).gathered = slot(target).gathered;
  at(i).view = slot(target).view;
  at(i).view_states = slot(target).view_states;
  ++version_;
}

void Rank::bind_part(int i, int target, at::Tensor value, const Layout& part) {
  const std::optional<Layout>& outer = slot(target).view;
  at(i).view = outer ? compose(*outer, part) : part;
  at(i).value = std::move(value);
  at(i).storage = slot(target).storage;
  at(i).shard.reset();
  see_again(slot(i).storage);
}

template <typename Edit>
void Rank::change(int i, Edit edit) {
  Slot& slot = at(i);
  StateMap& all = storages_[static_cast<size_t>(slot.storage)];
  edit(slot.view ? slot.view_states : all);
  if (origins_) {
    StateMap written(slot.view ? slot.view_states.bytes() : all.bytes(), {kNoOrigin, 0});
    edit(written);
    count(i, written);
  }
  const auto item = static_cast<int64_t>(slot.value.element_size());
  if (slot.view)
    for (const Part& part : slot.view->parts) {
      const int64_t to = part.whole * item, from = part.piece * item, bytes = part.count * item;
      all.splice(to, to + bytes, slot.view_states.cut_out(from, from + bytes));
    }
  see_again(slot.storage);
}

void Rank::see_again(int storage) {
  ++version_;
  for (Slot& slot : slots_) {
    if (!slot.view || slot.storage != storage) continue;
    const auto item = static_cast<int64_t>(slot.value.element_size());
    slot.view_states = StateMap(bytes_of(slot.value), {kNoOrigin, 0});
    slot.view_states.splice(0, bytes_of(slot.value),
                            pick(storages_[static_cast<size_t>(storage)], *slot.view, item, {}));
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
  change(i, [&](StateMap& states) {
    for (const Part& part : parts) {
      const int64_t to = part.whole * item, from = part.piece * item, bytes = part.count * item;
      states.splice(to, to + bytes, given.cut_out(from, from + bytes));
    }
  });
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
  storages_[static_cast<size_t>(written.storage)].splice(begin, begin + cells.back().end, cells);
  if (origins_) {
    const auto item = static_cast<int64_t>(written.value.element_size());
    writes_[static_cast<size_t>(written.storage)].add(begin / item,
                                                      (begin + cells.back().end + item - 1) / item);
  }
  see_again(written.storage);
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
  if (!known) return give(i, theirs.value, other.states(i), theirs.shard);
  storages_[static_cast<size_t>(slot(i).storage)] = other.storage_states(i);
  see_again(slot(i).storage);
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
    const int64_t elements = storages_[static_cast<size_t>(slot.storage)].bytes() /
                             static_cast<int64_t>(slot.value.element_size());
    const int64_t first = slot.view ? 0 : slot.value.storage_offset();
    if (!all.defined()) all = slot.value.as_strided({elements}, {1}, first).clone();
    slot.value = all.as_strided(slot.value.sizes(), slot.value.strides(),
                                slot.value.storage_offset() - first);
  }
  return copy;
}

void Rank::go_back_to(Rank before) {
  before.version_ = version_ + 1;
  *this = std::move(before);
}

namespace {

class Resolver {
 public:
  Resolver(const Selector& selector, const Rank& rank, const SelectionScope& scope)
      : selector_(selector), rank_(rank), scope_(scope) {}

  std::vector<bool> evaluate(int index) const {
    const Selector::Node& node = selector_.nodes()[static_cast<size_t>(index)];
    std::vector<bool> chosen(rank_.slots().size());
    switch (node.op) {
      case Selector::Op::kNot: {
        chosen = evaluate(node.left);
        chosen.flip();
        return chosen;
      }
      case Selector::Op::kAnd: case Selector::Op::kOr: {
        chosen = evaluate(node.left);
        const std::vector<bool> right = evaluate(node.right);
        for (size_t i = 0; i < chosen.size(); ++i)
          chosen[i] = node.op == Selector::Op::kAnd ? chosen[i] && right[i] : chosen[i] || right[i];
        return chosen;
      }
      case Selector::Op::kSlice: return slice(node, held(evaluate(node.left)));
      case Selector::Op::kParameter: return parameters();
      default: break;
    }
    for (size_t i = 0; i < chosen.size(); ++i) chosen[i] = holds(node, static_cast<int>(i));
    return chosen;
  }

 private:
  const Selector& selector_;
  const Rank& rank_;
  const SelectionScope& scope_;

  std::vector<bool> parameters() const {
    std::vector<bool> chosen(rank_.slots().size());
    std::set<int> seen;
    for (size_t i = 0; i < chosen.size(); ++i) {
      const Slot& slot = rank_.slots()[i];
      chosen[i] = slot.held == scope_.held && slot.spec->kind == TensorKind::kParameter &&
                  (slot.view || seen.insert(slot.storage).second);
    }
    return chosen;
  }

  std::vector<bool> held(std::vector<bool> chosen) const {
    for (size_t i = 0; i < chosen.size(); ++i)
      chosen[i] = chosen[i] && rank_.slots()[i].held == scope_.held;
    return chosen;
  }

  static std::vector<bool> slice(const Selector::Node& node, std::vector<bool> chosen) {
    const int64_t count = std::count(chosen.begin(), chosen.end(), true);
    auto position = [&](int64_t given, bool percent) {
      if (percent) return count * given / 100;
      return std::clamp<int64_t>(given < 0 ? count + given : given, 0, count);
    };
    const int64_t begin = node.has_begin ? position(node.begin, node.begin_percent) : 0;
    const int64_t end = node.has_end ? position(node.end, node.end_percent) : count;
    int64_t at = 0;
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (!chosen[i]) continue;
      chosen[i] = begin <= at && at < end;
      ++at;
    }
    return chosen;
  }

  bool any_state(int i, StateKind kind) const {
    for (const Interval& interval : rank_.states(i).intervals())
      if (scope_.origins.root_kind(interval.cell.origin) == kind ||
          scope_.origins.at(interval.cell.origin).kind == kind)
        return true;
    return false;
  }

  bool any_suspect(int i) const {
    return std::ranges::any_of(rank_.states(i).intervals(), [&](const Interval& interval) {
      return must_not_reach_sampling(scope_.origins.root_kind(interval.cell.origin));
    });
  }

  static ElementCounts counts(const at::Tensor& value) {
    if (value.is_meta()) return {};
    const at::Tensor dense = value.contiguous();
    return count_elements(data_of(dense), dense.numel(), dtype_of(dense));
  }

  // Bit by bit, in dtype and shape too. What is on meta equals nothing.
  bool equals(const at::Tensor& value, const std::string& name) const {
    const auto other = std::ranges::find_if(
        rank_.slots(), [&](const Slot& slot) { return slot.held && slot.spec->name == name; });
    if (other == rank_.slots().end() || value.is_meta() || other->value.is_meta() ||
        value.scalar_type() != other->value.scalar_type() ||
        value.sizes() != other->value.sizes())
      return false;
    const at::Tensor left = value.contiguous(), right = other->value.contiguous();
    return !first_difference(data_of(left), data_of(right), bytes_of(left));
  }

  // Under its name, or as the keys that the model's own files have for it.
  bool stored(const std::string& store, const TensorSpec& spec) const {
    const auto keys = scope_.stored.find(store);
    if (keys == scope_.stored.end()) return false;
    const auto has = [&](const FilePiece& piece) { return keys->second.contains(piece.key); };
    return keys->second.contains(spec.name) ||
           (!spec.pieces.empty() && std::ranges::all_of(spec.pieces, has));
  }

  bool holds(const Selector::Node& node, int i) const {
    const Slot& slot = rank_.slot(i);
    switch (node.op) {
      case Selector::Op::kAll: return true;
      case Selector::Op::kScratch: return slot.spec->kind == TensorKind::kScratch;
      case Selector::Op::kBuffer: return slot.spec->kind == TensorKind::kBuffer;
      case Selector::Op::kRuntimeBuffer: return slot.spec->kind == TensorKind::kRuntimeBuffer;
      case Selector::Op::kFile: return scope_.in_file[static_cast<size_t>(i)];
      case Selector::Op::kTied: return !slot.spec->tied_to.empty();
      case Selector::Op::kIt: return std::ranges::find(scope_.it, i) != scope_.it.end();
      case Selector::Op::kState: return any_state(i, node.state);
      case Selector::Op::kSuspect: return any_suspect(i);
      case Selector::Op::kNan: return counts(slot.value).nan > 0;
      case Selector::Op::kInf: return counts(slot.value).inf > 0;
      case Selector::Op::kEmpty: return slot.value.numel() == 0;
      case Selector::Op::kFloating: return slot.value.is_floating_point();
      case Selector::Op::kEqual: return equals(slot.value, node.text);
      case Selector::Op::kName: return matches_pattern(node.text, slot.spec->name);
      case Selector::Op::kModule: return matches_pattern(node.text, slot.spec->module_type);
      case Selector::Op::kStored: return stored(node.text, *slot.spec);
      case Selector::Op::kFlag: return slot.flags.contains(node.text);
      default: SIM_CHECK(false, "selector operation {}", static_cast<int>(node.op));
    }
  }
};

}  // namespace

std::vector<int> resolve(const Selector& selector, const Rank& rank, const SelectionScope& scope) {
  std::vector<int> found;
  if (selector.empty()) return found;
  const std::vector<bool> chosen = Resolver(selector, rank, scope).evaluate(selector.root());
  for (size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i] && rank.slots()[i].held == scope.held) found.push_back(static_cast<int>(i));
  return found;
}

}  // namespace loadproof::sim
