#include "harness/static_selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace loadproof::harness {
namespace {

using Op = Selector::Op;

class StaticResolver {
 public:
  StaticResolver(const Selector& selector, const Case& plan, const Point& point)
      : selector_(selector), plan_(plan), tensors_(point.tensors) {}

  std::vector<bool> evaluate(int index) const {
    const Selector::Node& node = selector_.nodes()[static_cast<size_t>(index)];
    switch (node.op) {
      case Op::kNot: {
        std::vector<bool> chosen = evaluate(node.left);
        chosen.flip();
        return chosen;
      }
      case Op::kAnd: return combine(node, [](bool a, bool b) { return a && b; });
      case Op::kOr: return combine(node, [](bool a, bool b) { return a || b; });
      case Op::kSlice: return slice_of(node, evaluate(node.left));
      default: break;
    }
    std::vector<bool> chosen(tensors_.size());
    std::set<int32_t> storages;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      chosen[i] = holds(node, tensors_[i]);
      if (node.op == Op::kParameter && chosen[i] && tensors_[i].storage >= 0)
        chosen[i] = storages.insert(tensors_[i].storage).second;
    }
    return chosen;
  }

 private:
  const Selector& selector_;
  const Case& plan_;
  const std::vector<TensorObservation>& tensors_;

  template <typename Combine>
  std::vector<bool> combine(const Selector::Node& node, Combine both) const {
    std::vector<bool> chosen = evaluate(node.left);
    const std::vector<bool> right = evaluate(node.right);
    for (size_t i = 0; i < chosen.size(); ++i) chosen[i] = both(chosen[i], right[i]);
    return chosen;
  }

  // A tensor that the scenario adds is in the file when it says so; one of the model when the model
  // directory gives its value and it is in the state dict.
  bool in_file(const TensorObservation& tensor) const {
    for (const ExtraTensor& extra : plan_.tensors)
      if (extra.spec.name == tensor.name) return extra.spec.in_stores;
    return tensor.reference.known && tensor.kind != TensorKind::kRuntimeBuffer;
  }

  static bool has_state(const TensorObservation& tensor, StateKind kind) {
    return tensor.state_counts[static_cast<size_t>(kind)] > 0 ||
           std::ranges::find(tensor.states, kind, &StateRange::kind) != tensor.states.end();
  }

  bool holds(const Selector::Node& node, const TensorObservation& tensor) const {
    switch (node.op) {
      case Op::kAll: return true;
      case Op::kParameter: return tensor.kind == TensorKind::kParameter;
      case Op::kBuffer: return tensor.kind == TensorKind::kBuffer;
      case Op::kRuntimeBuffer: return tensor.kind == TensorKind::kRuntimeBuffer;
      case Op::kScratch: return tensor.kind == TensorKind::kScratch;
      case Op::kFile: return in_file(tensor);
      case Op::kTied: return !tensor.tied_to.empty();
      case Op::kState: return has_state(tensor, node.state);
      case Op::kName: return matches_pattern(node.text, tensor.name);
      case Op::kFlag: return std::ranges::find(tensor.flags, node.text) != tensor.flags.end();
      default: return false;
    }
  }
};

}  // namespace

Result<std::vector<std::string>> resolve_static(const Selector& selector, const Case& plan,
                                                const Point& point) {
  constexpr std::pair<Op, std::string_view> kUntold[] = {
      {Op::kModule, "module(…)"}, {Op::kStored, "stored(…)"}, {Op::kIt, "it"}};
  for (const auto& [op, word] : kUntold)
    if (selector.mentions(op))
      return fail(fmt::format("'{}' uses {}, which what was observed does not tell",
                              selector.text(), word));
  std::vector<std::string> names;
  if (selector.empty()) return names;
  const std::vector<bool> chosen =
      StaticResolver(selector, plan, point).evaluate(selector.root());
  for (size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) names.push_back(point.tensors[i].name);
  return names;
}

}  // namespace loadproof::harness
