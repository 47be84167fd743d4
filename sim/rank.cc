#include "sim/rank.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/check.h"
#include "sim/torch_types.h"

namespace loadproof::sim {

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
    slot.storage = add_storage(StateMap(bytes_of(slot.value), {origin, 0}));
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

int Rank::add_storage(StateMap states) {
  storages_.push_back(std::move(states));
  ++version_;
  return static_cast<int>(storages_.size()) - 1;
}

void Rank::give(int i, at::Tensor value, StateMap states, std::optional<Shard> shard) {
  SIM_CHECK(value.is_contiguous() && states.bytes() == bytes_of(value), "slot {}",
            slot(i).spec->name);
  at(i).value = std::move(value);
  at(i).storage = add_storage(std::move(states));
  at(i).shard = std::move(shard);
}

void Rank::give_shared(int i, const at::Tensor& value, StateMap states,
                       const std::optional<Shard>& shard) {
  const int old = slot(i).storage;
  give(i, value, std::move(states), shard);
  for (Slot& other : slots_) {
    if (other.storage != old && &other != &slots_[static_cast<size_t>(i)]) continue;
    other.value = slot(i).value;
    other.storage = slot(i).storage;
    other.shard = shard;
  }
}

void Rank::bind(int i, int target) {
  at(i).value = slot(target).value;
  at(i).storage = slot(target).storage;
  at(i).shard = slot(target).shard;
  ++version_;
}

void Rank::wrote(int i, const Box& box, const std::vector<Interval>& cells) {
  const Slot& written = slot(i);
  StateMap& states = storages_[static_cast<size_t>(written.storage)];
  write_box(states, shape_of(written.value), box,
            static_cast<int64_t>(written.value.element_size()), cells);
  ++version_;
}

void Rank::wrote_bytes(int i, const std::vector<Interval>& cells) {
  if (!cells.empty())
    storages_[static_cast<size_t>(slot(i).storage)].splice(0, cells.back().end, cells);
  ++version_;
}

void Rank::wrote_all(int i, Cell cell) {
  StateMap& states = storages_[static_cast<size_t>(slot(i).storage)];
  states = StateMap(states.bytes(), cell);
  ++version_;
}

void Rank::wrote_rows(int i, int64_t begin, int64_t count, Cell cell) {
  const at::Tensor& value = slot(i).value;
  const int64_t row = value.size(0) == 0 ? 0 : bytes_of(value) / value.size(0);
  storages_[static_cast<size_t>(slot(i).storage)].write(begin * row, (begin + count) * row, cell);
  ++version_;
}

void Rank::set_flag(int i, const std::string& flag, bool on) {
  if (on)
    at(i).flags.insert(flag);
  else
    at(i).flags.erase(flag);
}

Rank Rank::clone() const {
  Rank copy = *this;
  std::map<int, at::Tensor> values;  // by storage
  for (Slot& slot : copy.slots_) {
    at::Tensor& value = values[slot.storage];
    if (!value.defined()) value = slot.value.clone();
    slot.value = value;
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
      chosen[i] = slot.held && slot.spec->kind == TensorKind::kParameter &&
                  seen.insert(slot.storage).second;
    }
    return chosen;
  }

  std::vector<bool> held(std::vector<bool> chosen) const {
    for (size_t i = 0; i < chosen.size(); ++i) chosen[i] = chosen[i] && rank_.slots()[i].held;
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

  bool holds(const Selector::Node& node, int i) const {
    const Slot& slot = rank_.slot(i);
    switch (node.op) {
      case Selector::Op::kAll: return true;
      case Selector::Op::kScratch: return slot.spec->kind == TensorKind::kScratch;
      case Selector::Op::kBuffer: return slot.spec->kind == TensorKind::kBuffer;
      case Selector::Op::kRuntimeBuffer: return slot.spec->kind == TensorKind::kRuntimeBuffer;
      case Selector::Op::kFile: return scope_.in_file[static_cast<size_t>(i)];
      case Selector::Op::kTied: return !slot.spec->tied_to.empty();
      case Selector::Op::kIt: return i == scope_.it;
      case Selector::Op::kState: return any_state(i, node.state);
      case Selector::Op::kName: return matches_pattern(node.text, slot.spec->name);
      case Selector::Op::kModule: return matches_pattern(node.text, slot.spec->module_type);
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
    if (chosen[i] && rank.slots()[i].held) found.push_back(static_cast<int>(i));
  return found;
}

}  // namespace loadproof::sim
