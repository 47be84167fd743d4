// The stores of one world: which copy of a store a rank sees.
//
// Owned by one Engine, used by its thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/program.h"
#include "sim/rank_set.h"
#include "sim/store.h"
#include "sim/temporary_folder.h"

namespace loadproof::sim {

// A copy of a store, and how often it has been changed.
struct StoreNews {
  std::string store;
  int copy = 0;  // 0, or the node's or the rank's number, as the store declares
  int64_t version = 0;
};

class Stores {
 public:
  Stores(const Asset& asset, const Topology& topology) : asset_(asset), topology_(topology) {}

  // The rank's own copy, or that of its node or of the world, as the store declares.
  Store& of(const std::string& store, int rank);

  // Copies that have been changed lie in this folder from now on, which ranks in other processes
  // share. REQUIRES: none has been changed.
  void share(std::filesystem::path folder) { shared_ = std::move(folder); }
  // Copies that this process has changed since it was last asked; what is known of them lies beside
  // them.
  Result<std::vector<StoreNews>> tell_news(const OriginTable& origins);
  // What others have told.
  Result<void> take_news(const std::vector<StoreNews>& news, OriginTable& origins);

 private:
  const Asset& asset_;
  const Topology& topology_;
  std::optional<TemporaryFolder> folder_;  // of copies that have been changed
  std::optional<std::filesystem::path> shared_;                   // in its place
  std::map<std::pair<std::string, int>, int64_t> known_versions_;  // of copies in it
  std::map<std::pair<std::string, int>, Store> copies_;

  Store& copy_of(const std::string& store, int copy);
  std::filesystem::path knowledge_of(const std::string& store, int copy) const;
};

// Whether a step changes a store of which several ranks see one copy.
bool changes_shared_stores(const Program& program, const std::vector<StoreSpec>& stores);

}  // namespace loadproof::sim
