// Which ranks: a predicate over (rank, local rank, node), written as text in scenarios.
//
//   all · none                               everybody, nobody
//   0 · 1..3 · last · 1..last                rank numbers, both ends included
//   local 0 · node 1 · node 1..2             the same of the rank within its node and of the node
//   r>0 · r%2==1 · local!=last · node<=1     comparisons: == != < <= > >=, after % a divisor if
//   wanted
//   shard 0 · replicate>0                    the same of the coordinate in a dimension of the mesh
//   trainer                                  the ranks of a role or a group
//   !0 · (r>0) & local 0 · 0 | 2             set algebra
//
// A RankSet is a value; it is evaluated against a Topology when a step runs, so that one program
// serves every world size. Numbers beyond the world are allowed and match nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/result.h"

namespace loadproof {

// One dimension of the device mesh.
struct MeshDim {
  std::string name;
  int size = 1;
  bool operator==(const MeshDim&) const = default;
};

// Ranks with a name: a role, which runs a program of its own, such as trainer and engine, or a mere
// group, which may meet in collectives and share pieces.
struct Role {
  std::string name;
  std::vector<int> ranks;  // ascending
  bool is_group = false;
  bool operator==(const Role&) const = default;
};

// nodes × ranks_per_node ranks; rank = node * ranks_per_node + local rank, as torchrun numbers
// them. The mesh, where there is one, has as many places as there are ranks, and its last dimension
// varies fastest, as in torch's init_device_mesh.
struct Topology {
  int nodes = 1;
  int ranks_per_node = 1;
  std::vector<MeshDim> mesh = {};
  std::vector<Role> roles = {};  // and groups
  // Accelerators of a node; its ranks take turns in being given one. 0: each has its own.
  int devices_per_node = 0;
  int devices() const { return nodes * (devices_per_node ? devices_per_node : ranks_per_node); }
  int device_of(int rank) const {
    if (!devices_per_node) return rank;
    return node_of(rank) * devices_per_node + local_rank_of(rank) % devices_per_node;
  }
  int ranks() const { return nodes * ranks_per_node; }
  int node_of(int rank) const { return rank / ranks_per_node; }
  int local_rank_of(int rank) const { return rank % ranks_per_node; }
  // By index into mesh: how far apart neighbours in that dimension are, as ranks.
  int stride_of(size_t dim) const;
  int coordinate_of(int rank, size_t dim) const {
    return rank / stride_of(dim) % mesh[dim].size;
  }
  const Role* find_role(std::string_view name) const;
  // Index into roles of the one that has the rank, groups left out; -1: none. Ranks of different
  // roles run programs of their own: they are no replicas of each other, and need not fail alike.
  int role_of(int rank) const;
  std::optional<size_t> find_dim(std::string_view name) const;
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
  // What it calls by name, so that a reader can be told of one that the world does not have.
  struct Name {
    std::string name;
    bool is_dim = false;  // else a role or a group
    int column = 0;       // in the text, from 1
  };
  std::vector<Name> names() const;
  bool operator==(const RankSet& other) const { return text_ == other.text_; }

 private:
  enum class Op : uint8_t { kAll, kNone, kRole, kRange, kCompare, kNot, kAnd, kOr };
  enum class Variable : uint8_t { kRank, kLocal, kNode, kDim };
  enum class Compare : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  static constexpr int kLast = -1;  // of low and high: the variable's greatest value in the world
  struct Node {
    Op op = Op::kAll;
    Variable variable = Variable::kRank;
    Compare compare = Compare::kEqual;
    int low = 0, high = 0, modulus = 0;  // kRange: low..high; kCompare: variable [% modulus] ? low
    int left = -1, right = -1;           // indices into nodes_
    std::string name = {};               // of kRole, a group too, and of a leaf over kDim
    int column = 0;                      // of the name
  };
  friend class RankSetParser;
  bool holds(int node, int rank, const Topology& topology) const;
  static std::pair<int, int> value_and_last(const Node& node, int rank, const Topology& topology);
  std::string text_;
  std::vector<Node> nodes_;  // empty: all
  int root_ = -1;
};

}  // namespace loadproof
