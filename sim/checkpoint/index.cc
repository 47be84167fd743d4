#include "sim/checkpoint/index.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "sim/checkpoint/nearest.h"
#include "sim/checkpoint/problems.h"
#include "sim/checkpoint/strict_json.h"

namespace loadproof::sim {
namespace {

constexpr std::string_view kWeightMap = "weight_map";

// Only the name is judged: a link within the directory may well lead out of it, as those of the
// Hugging Face cache do.
bool stays_inside(const std::string& file) {
  const std::filesystem::path path(file);
  if (file.empty() || path.is_absolute() || file.find('\0') != std::string::npos) return false;
  for (const auto& part : path)
    if (part == "..") return false;
  return path.has_filename();
}

}  // namespace

Result<CheckpointIndex> parse_index(std::string_view text, std::string_view file_name) {
  const auto json = parse_json_file(text, file_name);
  if (!json) return tl::make_unexpected(json.error());
  if (!json->is_object())
    return fail(fmt::format("{}: it is {} instead of an object", file_name, json_kind(*json)));
  const auto found = json->find(kWeightMap);
  if (found == json->end()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json->items()) keys.push_back(key);
    const std::string meant = did_you_mean(nearest_names(kWeightMap, keys));
    return fail(fmt::format("{}: it has no \"{}\"{}", file_name, kWeightMap, meant));
  }
  if (!found->is_object())
    return fail(fmt::format("{}: \"{}\" is {} instead of an object", file_name, kWeightMap,
                            json_kind(*found)));
  if (found->empty()) return fail(fmt::format("{}: \"{}\" is empty", file_name, kWeightMap));

  CheckpointIndex index;
  Problems problems;
  for (const auto& [key, file] : found->items()) {
    if (!file.is_string()) {
      problems.add(fmt::format("{}: the file of {} is {} instead of a string", file_name,
                               in_quotes(key), json_kind(file)));
      continue;
    }
    const auto& name = file.get_ref<const std::string&>();
    if (!stays_inside(name))
      problems.add(fmt::format("{}: the file of {} is {}, which is no file within the directory",
                               file_name, in_quotes(key), in_quotes(name)));
    index.weight_map.emplace(key, name);
  }
  if (!problems.empty()) return problems.error();
  return index;
}

Result<void> write_index(const std::filesystem::path& path,
                         const std::map<std::string, std::string>& weight_map) {
  using Json = nlohmann::ordered_json;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << Json{{"metadata", Json::object()}, {"weight_map", weight_map}}.dump(2) << '\n';
  if (!out.flush()) return fail(fmt::format("cannot write {}", path.string()));
  return {};
}

}  // namespace loadproof::sim
