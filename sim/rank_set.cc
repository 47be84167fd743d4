#include "sim/rank_set.h"

#include <algorithm>
#include <cctype>

#include "sim/set_algebra.h"

namespace loadproof {

class RankSetParser final : public SetAlgebra<RankSet::Node> {
 public:
  using SetAlgebra::SetAlgebra;

 private:
  using Node = RankSet::Node;
  using Op = RankSet::Op;
  using Variable = RankSet::Variable;
  using Compare = RankSet::Compare;
  static constexpr int kNumberMax = 1'000'000;
  static constexpr std::string_view kWanted =
      "a rank set (all, none, 0, 1..3, last, r>0, local 0, node 1)";

  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  Result<int> leaf() override {
    if (std::isdigit(static_cast<unsigned char>(peek()))) return range({});
    const size_t begin = at_;
    const int at_column = column();
    while (at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]))) ++at_;
    std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "all") return add({.op = Op::kAll});
    if (word == "none") return add({.op = Op::kNone});
    if (word == "r" || word == "rank") return variable({});
    if (word == "local") return variable({.variable = Variable::kLocal});
    if (word == "node") return variable({.variable = Variable::kNode});
    if (word == "last") {
      at_ = begin;
      return range({});
    }
    if (word.empty()) return unexpected(kWanted);
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    word = text_.substr(begin, at_ - begin);
    Node named{.name = std::string(word), .column = at_column};
    named.op = Op::kRole;
    if (at_end() || std::string_view("&|)").find(peek()) != std::string_view::npos)
      return add(std::move(named));
    named.variable = Variable::kDim;
    return variable(std::move(named));
  }

  Result<int> bound() {
    if (!take("last")) return number(kNumberMax);
    return RankSet::kLast;
  }

  // `leaf` says which variable; the rest of it is read here.
  Result<int> range(Node leaf) {
    const int begin = column();
    auto low = bound();
    if (!low) return low;
    auto high = take("..") ? bound() : low;
    if (!high) return high;
    if (*high != RankSet::kLast && (*low == RankSet::kLast || *high < *low))
      return fail_at(begin, "the range ends before it begins");
    leaf.op = Op::kRange;
    leaf.low = *low;
    leaf.high = *high;
    return add(std::move(leaf));
  }

  Result<int> variable(Node leaf) {
    if (take("%")) {
      const int begin = column();
      auto divisor = number(kNumberMax);
      if (!divisor) return divisor;
      if (*divisor == 0) return fail_at(begin, "the divisor is 0");
      leaf.modulus = *divisor;
    } else if (std::isdigit(static_cast<unsigned char>(peek())) || peek() == 'l') {
      return range(std::move(leaf));
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
      leaf.op = Op::kCompare;
      leaf.compare = compare;
      leaf.low = *value;
      return add(std::move(leaf));
    }
    return unexpected("a comparison (== != < <= > >=)");
  }
};

int Topology::stride_of(size_t dim) const {
  int stride = 1;
  for (size_t inner = dim + 1; inner < mesh.size(); ++inner) stride *= mesh[inner].size;
  return stride;
}

const Role* Topology::find_role(std::string_view name) const {
  const auto found = std::ranges::find(roles, name, &Role::name);
  return found == roles.end() ? nullptr : &*found;
}

int Topology::role_of(int rank) const {
  const auto found = std::ranges::find_if(roles, [&](const Role& role) {
    return !role.is_group && std::ranges::binary_search(role.ranks, rank);
  });
  return found == roles.end() ? -1 : static_cast<int>(found - roles.begin());
}

std::optional<size_t> Topology::find_dim(std::string_view name) const {
  const auto found = std::ranges::find(mesh, name, &MeshDim::name);
  if (found == mesh.end()) return std::nullopt;
  return static_cast<size_t>(found - mesh.begin());
}

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

std::vector<RankSet::Name> RankSet::names() const {
  std::vector<Name> found;
  for (const Node& node : nodes_)
    if (!node.name.empty()) found.push_back({node.name, node.op != Op::kRole, node.column});
  return found;
}

// What a leaf compares, and the greatest that it can be. A dimension that the mesh does not have is
// one of size 1, so that programs for a mesh run without one.
std::pair<int, int> RankSet::value_and_last(const Node& node, int rank, const Topology& topology) {
  switch (node.variable) {
    case Variable::kRank: return {rank, topology.ranks() - 1};
    case Variable::kLocal: return {topology.local_rank_of(rank), topology.ranks_per_node - 1};
    case Variable::kNode: return {topology.node_of(rank), topology.nodes - 1};
    case Variable::kDim: break;
  }
  const auto dim = topology.find_dim(node.name);
  if (!dim) return {0, 0};
  return {topology.coordinate_of(rank, *dim), topology.mesh[*dim].size - 1};
}

bool RankSet::holds(int index, int rank, const Topology& topology) const {
  const Node& node = nodes_[static_cast<size_t>(index)];
  auto [value, last] = value_and_last(node, rank, topology);
  const int low = node.low == kLast ? last : node.low;
  const int high = node.high == kLast ? last : node.high;
  switch (node.op) {
    case Op::kAll:
      return true;
    case Op::kNone:
      return false;
    case Op::kRole: {
      const Role* role = topology.find_role(node.name);
      return role && std::ranges::binary_search(role->ranks, rank);
    }
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
