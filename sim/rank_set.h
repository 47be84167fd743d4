// Which ranks: a predicate over (rank, local rank, node), written as text in scenarios.
//
//   all · none                               everybody, nobody
//   0 · 1..3 · last · 1..last                rank numbers, both ends included
//   local 0 · node 1 · node 1..2             the same of the rank within its node and of the node
//   r>0 · r%2==1 · local!=last · node<=1     comparisons: == != < <= > >=, after % a divisor if
//   wanted !0 · (r>0) & local 0 · 0 | 2             set algebra
//
// A RankSet is a value; it is evaluated against a Topology when a step runs, so that one program
// serves every world size. Numbers beyond the world are allowed and match nobody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.h"

namespace loadproof {

// nodes × ranks_per_node ranks; rank = node * ranks_per_node + local rank, as torchrun numbers
// them.
struct Topology {
  int nodes = 1;
  int ranks_per_node = 1;
  int ranks() const { return nodes * ranks_per_node; }
  int node_of(int rank) const { return rank / ranks_per_node; }
  int local_rank_of(int rank) const { return rank % ranks_per_node; }
  bool operator==(const Topology&) const = default;
};

class RankSet {
 public:
  RankSet() : text_("all") {}
  // An error tells the column (from 1) in the text: "column 4: …".
  static Result<RankSet> parse(std::string_view text);
  bool contains(int rank, const Topology& topology) const;
  std::vector<int> members(const Topology& topology) const;
  const std::string& text() const { return text_; }
  bool operator==(const RankSet& other) const { return text_ == other.text_; }

 private:
  enum class Op : uint8_t { kAll, kNone, kRange, kCompare, kNot, kAnd, kOr };
  enum class Variable : uint8_t { kRank, kLocal, kNode };
  enum class Compare : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  static constexpr int kLast = -1;  // of low and high: the variable's greatest value in the world
  struct Node {
    Op op = Op::kAll;
    Variable variable = Variable::kRank;
    Compare compare = Compare::kEqual;
    int low = 0, high = 0, modulus = 0;  // kRange: low..high; kCompare: variable [% modulus] ? low
    int left = -1, right = -1;           // indices into nodes_
  };
  friend class RankSetParser;
  bool holds(int node, int rank, const Topology& topology) const;
  std::string text_;
  std::vector<Node> nodes_;  // empty: all
  int root_ = -1;
};

}  // namespace loadproof
