#include "sim/groups.h"

#include <fmt/format.h>

#include <algorithm>

namespace loadproof::sim {

Groups::Groups(const Topology& topology) {
  const int world = topology.ranks();
  add("world", "world", RankSet().members(topology), world);
  for (int node = 0; node < topology.nodes; ++node) {
    std::vector<int> ranks;
    for (int local = 0; local < topology.ranks_per_node; ++local)
      ranks.push_back(node * topology.ranks_per_node + local);
    add("node", fmt::format("node {}", node), std::move(ranks), world);
  }
  for (size_t dim = 0; dim < topology.mesh.size(); ++dim) {
    const MeshDim& along = topology.mesh[dim];
    for (int first = 0; first < world; ++first) {
      if (topology.coordinate_of(first, dim) != 0) continue;
      std::vector<int> ranks;
      for (int i = 0; i < along.size; ++i) ranks.push_back(first + i * topology.stride_of(dim));
      add(along.name, fmt::format("{} of rank {}", along.name, first), std::move(ranks), world);
    }
  }
  for (const Role& role : topology.roles) add(role.name, role.name, role.ranks, world);
}

void Groups::add(const std::string& name, const std::string& shown, std::vector<int> ranks,
                 int world) {
  std::vector<Membership>& by_rank = by_rank_[name];
  by_rank.resize(static_cast<size_t>(world));
  for (size_t i = 0; i < ranks.size(); ++i)
    by_rank[static_cast<size_t>(ranks[i])] = {static_cast<int>(groups_.size()),
                                              static_cast<int>(i)};
  groups_.push_back({shown, std::move(ranks)});
}

int Groups::channel(int from, int to) {
  const auto [known, is_new] = channels_.try_emplace({from, to}, static_cast<int>(groups_.size()));
  if (is_new) groups_.push_back({fmt::format("{} → {}", from, to), {from, to}});
  return known->second;
}

Result<int> Groups::index_of(const std::string& name, int rank) const {
  const auto found = by_rank_.find(name);
  if (found == by_rank_.end()) return fail(fmt::format("the world has no group {}", name));
  const int index = found->second[static_cast<size_t>(rank)].group;
  if (index < 0) return fail(fmt::format("rank {} is not in the group {}", rank, name));
  return index;
}

std::vector<std::string> Groups::names() const {
  std::vector<std::string> names;
  for (const auto& [name, ranks] : by_rank_) names.push_back(name);
  return names;
}

Result<Place> Groups::place_in(const std::string& name, int rank) const {
  const Result<int> index = index_of(name, rank);
  if (!index) return tl::make_unexpected(index.error());
  return Place{static_cast<int64_t>(ranks_of(*index).size()),
               by_rank_.at(name)[static_cast<size_t>(rank)].position};
}

Result<int> Groups::member_of(const std::string& name, int rank, int64_t position) const {
  const Result<int> index = index_of(name, rank);
  if (!index) return tl::make_unexpected(index.error());
  const std::vector<int>& ranks = ranks_of(*index);
  if (position < 0 || position >= static_cast<int64_t>(ranks.size()))
    return fail(fmt::format("the group {} has {} ranks and no rank {}", name, ranks.size(),
                            position));
  return ranks[static_cast<size_t>(position)];
}

}  // namespace loadproof::sim
