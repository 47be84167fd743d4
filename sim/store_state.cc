// Store, third part: what is known of the bytes in its files, beside them in a file of its own, for
// ranks in other processes that see the same copy.
#include <exception>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/procs/state_json.h"
#include "sim/store.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json json_of(const std::optional<Layout>& layout) {
  if (!layout) return nullptr;
  Json parts = Json::array();
  for (const Part& part : layout->parts) parts.push_back({part.piece, part.whole, part.count});
  return {{"whole", layout->whole_shape}, {"shape", layout->shape}, {"parts", std::move(parts)}};
}

std::optional<Layout> layout_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  Layout layout{.whole_shape = json.at("whole").get<std::vector<int64_t>>(),
                .shape = json.at("shape").get<std::vector<int64_t>>(),
                .parts = {}};
  for (const Json& part : json.at("parts"))
    layout.parts.push_back({part.at(0), part.at(1), part.at(2)});
  return layout;
}

Json json_of(const Saved& saved, OriginWriter& origins) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(saved.bytes.data());
  return {{"key", saved.key},
          {"dtype", static_cast<int>(saved.dtype)},
          {"shape", saved.shape},
          {"bytes", Json::binary({bytes, bytes + saved.bytes.size()})},
          {"states", origins.add(saved.states)},
          {"layout", json_of(saved.layout)},
          {"rank", saved.rank}};
}

Saved saved_of(const Json& json, const OriginReader& origins) {
  Saved saved{.key = json.at("key"),
              .dtype = static_cast<DType>(json.at("dtype").get<int>()),
              .shape = json.at("shape").get<std::vector<int64_t>>(),
              .states = origins.states(json.at("states")),
              .layout = layout_of(json.at("layout")),
              .rank = json.at("rank")};
  const auto bytes = std::as_bytes(std::span(json.at("bytes").get_binary()));
  saved.bytes.assign(bytes.begin(), bytes.end());
  return saved;
}

}  // namespace

Result<void> Store::write_knowledge(const fs::path& to, const OriginTable& origins) {
  has_news_ = false;
  OriginWriter writer(origins);
  Json files = Json::object();
  for (const auto& [name, file] : files_) {
    Json saved = Json::object(), faults = Json::array(), retold = Json::object();
    for (const auto& [key, one] : file.saved) saved[key] = json_of(one, writer);
    for (const Fault& fault : file.faults)
      faults.push_back({fault.begin, fault.end, writer.add(fault.origin)});
    for (const auto& [key, origin] : file.retold) retold[key] = writer.add(origin);
    files[name] = {{"saved", std::move(saved)}, {"faults", std::move(faults)},
                   {"retold", std::move(retold)}, {"damaged", file.damaged}};
  }
  const std::vector<uint8_t> bytes = Json::to_cbor(
      {{"own", own_ ? own_->string() : ""}, {"files", std::move(files)},
       {"origins", writer.list()}});
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) return fail("cannot write " + to.string());
  return {};
}

Result<void> Store::read_knowledge(const fs::path& from, OriginTable& origins) {
  try {
    std::ifstream in(from, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const Json json = Json::from_cbor(bytes);
    const OriginReader reader(json.at("origins"), origins);
    std::map<std::string, File> files;
    for (const auto& [name, written] : json.at("files").items()) {
      File& file = files[name];
      for (const auto& [key, one] : written.at("saved").items())
        file.saved[key] = saved_of(one, reader);
      for (const Json& one : written.at("faults"))
        file.faults.push_back({one.at(0), one.at(1), reader.origin(one.at(2))});
      for (const auto& [key, one] : written.at("retold").items())
        file.retold[key] = reader.origin(one);
      file.damaged = written.at("damaged");
    }
    files_ = std::move(files);
    opened_.clear();
    if (const std::string own = json.at("own"); !own.empty()) own_ = own;
    has_news_ = false;
    return {};
  } catch (const std::exception& error) {
    return fail(from.string() + " cannot be read: " + error.what());
  }
}

}  // namespace loadproof::sim
