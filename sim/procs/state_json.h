// States of bytes and the histories of their origins as JSON, between tables that number the same
// events otherwise.
//
// For .cc files that read and write messages and files. Readers throw what nlohmann throws.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "sim/state.h"

namespace loadproof::sim {

// Writes origins with all before them, parents first; what it returns as their ids are places in
// that list.
class OriginWriter {
 public:
  explicit OriginWriter(const OriginTable& origins) : origins_(origins) {}
  int add(OriginId id);
  nlohmann::json add(const StateMap& states);
  const nlohmann::json& list() const { return list_; }

 private:
  const OriginTable& origins_;
  std::map<OriginId, int> places_;
  nlohmann::json list_ = nlohmann::json::array();
};

// Adds the origins of such a list to a table, and reads what refers to them.
class OriginReader {
 public:
  OriginReader(const nlohmann::json& list, OriginTable& origins);
  OriginId origin(int place) const;
  StateMap states(const nlohmann::json& written) const;

 private:
  std::vector<OriginId> ids_;
};

}  // namespace loadproof::sim
