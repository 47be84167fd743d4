#include "sim/rank_set.h"

#include <algorithm>
#include <cctype>

#include "sim/set_algebra.h"

namespace loadproof {

class RankSetParser final : public SetAlgebra<RankSet::Node> {
 public:
  using SetAlgebra::SetAlgebra;

 private:
  using Op = RankSet::Op;
  using Variable = RankSet::Variable;
  using Compare = RankSet::Compare;
  static constexpr int kNumberMax = 1'000'000;
  static constexpr std::string_view kWanted =
      "a rank set (all, none, 0, 1..3, last, r>0, local 0, node 1)";

  Result<int> leaf() override {
    if (std::isdigit(static_cast<unsigned char>(peek()))) return range(Variable::kRank);
    const size_t begin = at_;
    while (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]))) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "all") return add({.op = Op::kAll});
    if (word == "none") return add({.op = Op::kNone});
    if (word == "r" || word == "rank") return variable(Variable::kRank);
    if (word == "local") return variable(Variable::kLocal);
    if (word == "node") return variable(Variable::kNode);
    at_ = begin;
    if (word == "last") return range(Variable::kRank);
    return unexpected(kWanted);
  }

  Result<int> bound() {
    if (!take("last")) return number(kNumberMax);
    return RankSet::kLast;
  }

  Result<int> range(Variable variable) {
    const int begin = column();
    auto low = bound();
    if (!low) return low;
    auto high = take("..") ? bound() : low;
    if (!high) return high;
    if (*high != RankSet::kLast && (*low == RankSet::kLast || *high < *low))
      return fail_at(begin, "the range ends before it begins");
    return add({.op = Op::kRange, .variable = variable, .low = *low, .high = *high});
  }

  Result<int> variable(Variable variable) {
    int modulus = 0;
    if (take("%")) {
      const int begin = column();
      auto divisor = number(kNumberMax);
      if (!divisor) return divisor;
      if (*divisor == 0) return fail_at(begin, "the divisor is 0");
      modulus = *divisor;
    } else if (std::isdigit(static_cast<unsigned char>(peek())) || peek() == 'l') {
      return range(variable);
    }
    static constexpr std::pair<std::string_view, Compare> kSymbols[] = {
        {"==", Compare::kEqual},        {"!=", Compare::kNotEqual}, {"<=", Compare::kLessEqual},
        {">=", Compare::kGreaterEqual}, {"<", Compare::kLess},      {">", Compare::kGreater},
        {"=", Compare::kEqual},
    };
    for (const auto& [symbol, compare] : kSymbols) {
      if (!take(symbol)) continue;
      at_end();
      auto value = bound();
      if (!value) return value;
      return add({.op = Op::kCompare,
                  .variable = variable,
                  .compare = compare,
                  .low = *value,
                  .modulus = modulus});
    }
    return unexpected("a comparison (== != < <= > >=)");
  }
};

Result<RankSet> RankSet::parse(std::string_view text) {
  RankSetParser parser(text);
  auto root = parser.whole();
  if (!root) return tl::make_unexpected(root.error());
  RankSet set;
  set.text_ = text;
  set.nodes_ = parser.take_nodes();
  set.root_ = *root;
  return set;
}

bool RankSet::contains(int rank, const Topology& topology) const {
  return root_ < 0 || holds(root_, rank, topology);
}

std::vector<int> RankSet::members(const Topology& topology) const {
  std::vector<int> ranks;
  for (int rank = 0; rank < topology.ranks(); ++rank)
    if (contains(rank, topology)) ranks.push_back(rank);
  return ranks;
}

bool RankSet::holds(int index, int rank, const Topology& topology) const {
  const Node& node = nodes_[static_cast<size_t>(index)];
  int value = rank;
  int last = topology.ranks() - 1;
  if (node.variable == Variable::kLocal) {
    value = topology.local_rank_of(rank);
    last = topology.ranks_per_node - 1;
  } else if (node.variable == Variable::kNode) {
    value = topology.node_of(rank);
    last = topology.nodes - 1;
  }
  const int low = node.low == kLast ? last : node.low;
  const int high = node.high == kLast ? last : node.high;
  switch (node.op) {
    case Op::kAll:
      return true;
    case Op::kNone:
      return false;
    case Op::kRange:
      return low <= value && value <= high;
    case Op::kNot:
      return !holds(node.left, rank, topology);
    case Op::kAnd:
      return holds(node.left, rank, topology) && holds(node.right, rank, topology);
    case Op::kOr:
      return holds(node.left, rank, topology) || holds(node.right, rank, topology);
    case Op::kCompare:
      break;
  }
  if (node.modulus > 0) value %= node.modulus;
  switch (node.compare) {
    case Compare::kEqual:
      return value == low;
    case Compare::kNotEqual:
      return value != low;
    case Compare::kLess:
      return value < low;
    case Compare::kLessEqual:
      return value <= low;
    case Compare::kGreater:
      return value > low;
    case Compare::kGreaterEqual:
      return value >= low;
  }
  return false;
}

}  // namespace loadproof
