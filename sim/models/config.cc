#include "sim/models/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/checkpoint/nearest.h"
#include "sim/models/config_reader.h"
#include "sim/models/family.h"

namespace loadproof::sim {
namespace {

constexpr uintmax_t kFileBytesMax = 16 << 20;

const Family* read_family(ConfigReader& reader) {
  const std::string model_type = reader.text("model_type", "");
  const Family* family = family_of(model_type);
  if (family != nullptr) return family;
  std::vector<std::string_view> known;
  for (const Family* each : families()) known.push_back(each->model_type);
  if (!reader.has("model_type"))
    reader.fault("model_type", fmt::format("is missing; known: {}", fmt::join(known, ", ")));
  else
    reader.fault("model_type",
                 fmt::format("is {}, which is unknown{}; known: {}", in_quotes(model_type),
                             did_you_mean(model_type, known), fmt::join(known, ", ")));
  return nullptr;
}

std::optional<DType> read_dtype(ConfigReader& reader) {
  const std::string_view key = reader.has("dtype") ? "dtype" : "torch_dtype";
  if (!reader.has(key)) return std::nullopt;
  constexpr DType kDTypes[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64};
  std::vector<std::string_view> names;
  for (DType dtype : kDTypes) names.push_back(name(dtype));
  return kDTypes[reader.choice(key, "float32", names)];
}

Result<ModelConfig> from_json(const nlohmann::json& object, std::string_view file) {
  if (!object.is_object()) return fail(fmt::format("{}: must be a JSON object", file));
  ConfigReader reader(object, file);
  ModelConfig config;
  if (const Family* family = read_family(reader)) {
    config.model_type = family->model_type;
    config.dtype = read_dtype(reader);
    family->read(reader, config);
    if (reader.faults().empty()) check_sizes(reader, config);
  }
  if (!reader.faults().empty()) return fail(fmt::format("{}", fmt::join(reader.faults(), "\n")));
  return config;
}

}  // namespace

Result<ModelConfig> parse_config(std::string_view text, std::string_view file) {
  // The parser's exceptions end here.
  try {
    return from_json(nlohmann::json::parse(text), file);
  } catch (const nlohmann::json::exception& error) {
    return fail(fmt::format("{}: not valid JSON: {}", file, error.what()));
  }
}

Result<ModelConfig> read_config(const std::filesystem::path& dir) {
  const std::filesystem::path path = dir / "config.json";
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return fail(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
  if (bytes > kFileBytesMax)
    return fail(fmt::format("{}: has {} bytes, more than the {} that a config may have",
                            path.string(), bytes, kFileBytesMax));
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad() || text.size() != bytes)
    return fail(fmt::format("{}: cannot be read", path.string()));
  return parse_config(text, path.string());
}

}  // namespace loadproof::sim
