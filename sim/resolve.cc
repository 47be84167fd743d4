// Which slots a selector means: the second part of sim/rank.h.
#include <algorithm>
#include <set>

#include "sim/check.h"
#include "sim/accelerators.h"
#include "sim/memory/scan.h"
#include "sim/rank.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
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
      case Selector::Op::kSlice: return slice_of(node, held(evaluate(node.left)));
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
    if (!has_bytes(value)) return {};
    const at::Tensor dense = value.contiguous();
    return count_elements(dense);
  }

  // Bit by bit, in dtype and shape too. What is on meta equals nothing.
  bool equals(const at::Tensor& value, const std::string& name) const {
    const auto other = std::ranges::find_if(
        rank_.slots(), [&](const Slot& slot) { return slot.held && slot.spec->name == name; });
    if (other == rank_.slots().end() || !has_bytes(value) || !has_bytes(other->value) ||
        value.scalar_type() != other->value.scalar_type() ||
        value.sizes() != other->value.sizes())
      return false;
    const at::Tensor left = value.contiguous(), right = other->value.contiguous();
    return left.device() == right.device() ? same_bytes(left, right)
                                           : same_bytes(on_host(left), on_host(right));
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
      case Selector::Op::kZero:
        return has_bytes(slot.value) && counts(slot.value).zero == slot.value.numel();
      case Selector::Op::kPositive:
        return has_bytes(slot.value) && slot.value.to(at::kDouble).gt(0).all().item<bool>();
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
