// The stores of one world: which copy of a store a rank sees.
//
// Owned by one Engine, used by its thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "sim/rank_set.h"
#include "sim/store.h"
#include "sim/temporary_folder.h"

namespace loadproof::sim {

class Stores {
 public:
  Stores(const Asset& asset, const Topology& topology) : asset_(asset), topology_(topology) {}

  // The rank's own copy, or that of its node or of the world, as the store declares.
  Store& of(const std::string& store, int rank);

 private:
  const Asset& asset_;
  const Topology& topology_;
  std::optional<TemporaryFolder> folder_;  // of copies that have been changed
  std::map<std::pair<std::string, int>, Store> copies_;
};

}  // namespace loadproof::sim
