#include "sim/procs/state_json.h"

namespace loadproof::sim {

using Json = nlohmann::json;

int OriginWriter::add(OriginId id) {
  if (id == kNoOrigin) return kNoOrigin;
  if (auto known = places_.find(id); known != places_.end()) return known->second;
  const Origin& origin = origins_.at(id);
  const int parent = add(origin.parent);
  list_.push_back({static_cast<int>(origin.kind), origin.rank, origin.step, parent,
                   origin.item_size, origin.what, origin.file});
  return places_[id] = static_cast<int>(list_.size()) - 1;
}

Json OriginWriter::add(const StateMap& states) {
  Json cells = Json::array();
  for (const Interval& one : states.intervals())
    cells.push_back({one.begin, one.end, add(one.cell.origin), one.cell.offset});
  return {{"bytes", states.bytes()}, {"cells", std::move(cells)}};
}

OriginReader::OriginReader(const Json& list, OriginTable& origins) {
  for (const Json& one : list) {
    const OriginId parent = origin(one.at(3));
    ids_.push_back(origins.add({.kind = static_cast<StateKind>(one.at(0).get<int>()),
                                .rank = one.at(1),
                                .step = one.at(2),
                                .parent = parent,
                                .item_size = one.at(4),
                                .what = one.at(5),
                                .file = one.at(6)}));
  }
}

OriginId OriginReader::origin(int place) const {
  return place == kNoOrigin ? kNoOrigin : ids_.at(static_cast<size_t>(place));
}

StateMap OriginReader::states(const Json& written) const {
  const int64_t bytes = written.at("bytes");
  std::vector<Interval> cells;
  for (const Json& one : written.at("cells"))
    cells.push_back({one.at(0), one.at(1), {origin(one.at(2)), one.at(3)}});
  StateMap states(bytes, {kNoOrigin, 0});
  states.splice(0, bytes, cells);
  return states;
}

}  // namespace loadproof::sim
