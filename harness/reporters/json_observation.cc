// Observations between processes.
#include <algorithm>

#include "harness/reporters/json_archive.h"
#include "harness/reporters/reporters.h"

namespace loadproof::harness {
namespace {

// By rank, of its last point.
std::vector<std::vector<uint64_t>> contents_of(const Observation& seen) {
  std::vector<std::vector<uint64_t>> contents;
  for (const RankObservation& rank : seen.ranks) {
    std::vector<uint64_t>& one = contents.emplace_back();
    for (const TensorObservation& tensor : rank.points.back().tensors)
      one.push_back(tensor.content);
  }
  return contents;
}

void set_contents(const std::vector<std::vector<uint64_t>>& contents, Observation& seen) {
  for (size_t rank = 0; rank < seen.ranks.size(); ++rank) {
    std::vector<TensorObservation>& tensors = seen.ranks[rank].points.back().tensors;
    for (size_t i = 0; i < tensors.size(); ++i) tensors[i].content = contents.at(rank).at(i);
  }
}

}  // namespace

std::string write_observation(const Observation& seen) {
  Json json = JsonWriter::encode(seen);
  json["contents"] = JsonWriter::encode(contents_of(seen));
  return dumped(json);
}

Result<Observation> read_observation(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Observation seen;
    JsonReader::decode(json, seen);
    std::vector<std::vector<uint64_t>> contents;
    JsonReader::decode(json.at("contents"), contents);
    set_contents(contents, seen);
    return seen;
  } catch (const std::exception& error) {
    return fail(std::string("what a rank has observed cannot be read: ") + error.what());
  }
}

}  // namespace loadproof::harness
