#include "sim/selector.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>

#include "sim/set_algebra.h"

namespace loadproof {
namespace {

struct Keyword {
  std::string_view word;
  Selector::Op op;
  StateKind state;
  std::string_view about;
};

using Op = Selector::Op;
constexpr Keyword kKeywords[] = {
    {"all", Op::kAll, {}, "every tensor of the rank"},
    {"param", Op::kParameter, {}, "parameters, each once: a tied name is not repeated"},
    {"buffer", Op::kBuffer, {}, "persistent buffers: those that a state dict has"},
    {"runtime_buffer", Op::kRuntimeBuffer, {}, "non-persistent buffers: in no checkpoint"},
    {"scratch", Op::kScratch, {}, "memory of the loader itself, which nobody reads at the end"},
    {"file", Op::kFile, {}, "tensors that the checkpoint has"},
    {"tied", Op::kTied, {}, "names declared to share another's storage"},
    {"it", Op::kIt, {}, "inside `each`: the tensor of this turn"},
    {"meta", Op::kState, StateKind::kMeta, "without storage"},
    {"undefined", Op::kState, StateKind::kUndefined, "with bytes that nobody ever wrote"},
    {"placeholder", Op::kState, StateKind::kPlaceholder, "with a constant that holds the place"},
    {"random", Op::kState, StateKind::kRandom, "with bytes that the initialiser drew"},
    {"computed", Op::kState, StateKind::kComputed, "with analytic values"},
    {"loaded", Op::kState, StateKind::kLoaded, "with bytes from a file of the checkpoint"},
    {"received", Op::kState, StateKind::kReceived, "with bytes that came last by a collective"},
    {"derived", Op::kState, StateKind::kDerived,
     "with bytes that came last by a cast or operation"},
    {"tainted", Op::kState, StateKind::kTainted, "made from bytes that must not reach sampling"},
    {"suspect", Op::kSuspect, {}, "meta, undefined, placeholder or tainted"},
    {"nan", Op::kNan, {}, "with a NaN among its elements"},
    {"inf", Op::kInf, {}, "with an infinity among its elements"},
    {"zero", Op::kZero, {}, "with storage, and every element 0"},
    {"positive", Op::kPositive, {}, "with storage, and every element greater than 0"},
    {"empty", Op::kEmpty, {}, "of which this rank's piece has no elements"},
    {"floating", Op::kFloating, {}, "of a floating element type, as it is now"},
};

constexpr auto kWords = [] {
  std::array<SelectorWord, std::size(kKeywords)> words{};
  for (size_t i = 0; i < words.size(); ++i) words[i] = {kKeywords[i].word, kKeywords[i].about};
  return words;
}();

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_.*?-/").find(c) != std::string_view::npos;
}

}  // namespace

class SelectorParser final : public SetAlgebra<Selector::Node> {
 public:
  SelectorParser(std::string_view text, const std::set<std::string>& flags)
      : SetAlgebra(text), flags_(flags) {}

 private:
  using Node = Selector::Node;
  static constexpr int kIndexMax = 1'000'000'000;

  Result<int> leaf() override {
    const int begin = column();
    const std::string_view word = take_word();
    if (word.empty()) return unexpected("a selector (a keyword, a flag or a name)");
    if (word == "module" && take("(")) return function(Op::kModule, "a module type", begin);
    if (word == "stored" && take("(")) return function(Op::kStored, "a store", begin);
    if (word == "equal" && take("(")) return function(Op::kEqual, "a tensor's name", begin);
    for (const Keyword& keyword : kKeywords)
      if (keyword.word == word)
        return sliced({.op = keyword.op, .state = keyword.state, .column = begin});
    const Op op = flags_.contains(std::string(word)) ? Op::kFlag : Op::kName;
    return sliced({.op = op, .text = std::string(word), .column = begin});
  }

  // What stands in the parentheses of module(…) and stored(…).
  Result<int> function(Op op, std::string_view wanted, int begin) {
    at_end();
    const std::string_view word = take_word();
    if (word.empty()) return unexpected(wanted);
    if (!take(")")) return unexpected("`)`");
    return sliced({.op = op, .text = std::string(word), .column = begin});
  }

  std::string_view take_word() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Result<int> sliced(Node node) { return after_group(add(std::move(node))); }

  Result<int> after_group(int group) override {
    if (!take("[")) return group;
    Node slice{.op = Op::kSlice, .left = group, .column = column()};
    const int begin = column();
    if (peek() != ':') {
      auto value = bound(slice.begin_percent);
      if (!value) return value;
      slice.begin = *value;
      slice.has_begin = true;
    }
    if (take(":")) {
      if (peek() != ']') {
        auto value = bound(slice.end_percent);
        if (!value) return value;
        slice.end = *value;
        slice.has_end = true;
      }
    } else {
      if (slice.begin_percent) return fail_at(begin, "a percentage needs a range, such as [:50%]");
      slice.has_end = slice.begin != -1;
      slice.end = slice.begin + 1;
    }
    if (!take("]")) return unexpected("`]`");
    return after_group(add(std::move(slice)));
  }

  Result<int> bound(bool& percent) {
    const int begin = column();
    const bool negative = take("-");
    auto value = number(kIndexMax);
    if (!value) return value;
    percent = take("%");
    if (percent && (negative || *value > 100))
      return fail_at(begin, "a percentage is between 0% and 100%");
    return negative ? -*value : *value;
  }

  const std::set<std::string>& flags_;
};

Result<Selector> Selector::parse(std::string_view text, const std::set<std::string>& flags) {
  SelectorParser parser(text, flags);
  auto root = parser.whole();
  if (!root) return tl::make_unexpected(root.error());
  Selector selector;
  selector.text_ = text;
  selector.nodes_ = parser.take_nodes();
  selector.root_ = *root;
  return selector;
}

std::vector<std::string> Selector::name_patterns() const {
  std::vector<std::string> patterns;
  for (const Node& node : nodes_)
    if (node.op == Op::kName) patterns.push_back(node.text);
  return patterns;
}

bool Selector::mentions(Op op) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) { return node.op == op; });
}

bool Selector::is_static() const {
  return std::none_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
    switch (node.op) {
      case Op::kIt: case Op::kState: case Op::kSuspect: case Op::kNan: case Op::kInf:
      case Op::kZero: case Op::kPositive:
      case Op::kEmpty: case Op::kFloating: case Op::kEqual: case Op::kStored: case Op::kModule:
      case Op::kFlag:
        return true;
      default: return false;
    }
  });
}

std::vector<Selector> Selector::alternatives() const {
  std::vector<Selector> found;
  std::vector<int> open{root_};  // the leftmost at the end
  while (!empty() && !open.empty()) {
    const int at = open.back();
    open.pop_back();
    const Node& node = nodes_[static_cast<size_t>(at)];
    if (node.op == Op::kOr) {
      open.push_back(node.right);
      open.push_back(node.left);
      continue;
    }
    found.push_back(*this);
    found.back().root_ = at;
    if (node.op == Op::kName) found.back().text_ = node.text;
  }
  return found;
}

std::vector<bool> slice_of(const Selector::Node& node, std::vector<bool> chosen) {
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

std::span<const SelectorWord> selector_words() { return kWords; }

}  // namespace loadproof
