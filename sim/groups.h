// The groups of ranks that collectives meet in, by the names that scenarios use.
//
//   world                     every rank
//   node                      the ranks of one node
//   a dimension of the mesh   the ranks that differ in that coordinate alone
//   a role or a group         its ranks
//
// A value made from a topology; a name stands for as many groups as it takes to hold every rank, of
// which each rank is in at most one.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/backends/rendezvous.h"
#include "sim/chunks.h"
#include "sim/rank_set.h"
#include "sim/result.h"

namespace loadproof::sim {

class Groups {
 public:
  explicit Groups(const Topology& topology);
  // For the rendezvous, which knows them by index.
  const std::vector<Group>& all() const { return groups_; }
  // The group of two in which the first gives to the second; added when it is first asked for.
  int channel(int from, int to);
  // An error: there is no such name, or the rank is in none of its groups.
  Result<int> index_of(const std::string& name, int rank) const;
  const std::vector<int>& ranks_of(int index) const {
    return groups_[static_cast<size_t>(index)].ranks;
  }
  std::vector<std::string> names() const;  // ascending
  Result<Place> place_in(const std::string& name, int rank) const;
  Result<int> member_of(const std::string& name, int rank, int64_t position) const;  // global rank

 private:
  void add(const std::string& name, const std::string& shown, std::vector<int> ranks, int world);

  std::vector<Group> groups_;
  struct Membership {
    int group = -1;  // index; -1: the rank is in none of that name
    int position = 0;
  };
  std::map<std::string, std::vector<Membership>> by_rank_;
  std::map<std::pair<int, int>, int> channels_;
};

}  // namespace loadproof::sim
