#include "sim/models/config_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/checkpoint/nearest.h"

namespace loadproof::sim {

using nlohmann::json;

ConfigReader::ConfigReader(const json& object, std::string_view file, std::string_view path)
    : object_(object), file_(file), path_(path) {}

const json* ConfigReader::find(std::string_view key) const {
  auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::has(std::string_view key) const { return find(key) != nullptr; }

bool ConfigReader::explicit_null(std::string_view key) const {
  auto found = object_.find(key);
  return found != object_.end() && found->is_null();
}

void ConfigReader::fault(std::string_view key, std::string_view what) {
  faults_.push_back(fmt::format("{}: \"{}{}\" {}", file_, path_, key, what));
}

int64_t ConfigReader::size(std::string_view key, int64_t max, std::optional<int64_t> otherwise) {
  const json* value = find(key);
  if (value == nullptr) {
    if (!otherwise) fault(key, "is missing");
    return otherwise.value_or(1);
  }
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX);
  if (!value->is_number_integer()) {
    fault(key, fmt::format("must be an integer, not {}", value->type_name()));
  } else if (!fits || value->get<int64_t>() < 1 || value->get<int64_t>() > max) {
    fault(key, fmt::format("is {}, but must be from 1 to {}", value->dump(), max));
  } else {
    return value->get<int64_t>();
  }
  return 1;
}

double ConfigReader::positive(std::string_view key, std::optional<double> otherwise) {
  const std::optional<double> value = optional_positive(key, otherwise);
  if (!value && !otherwise && !has(key)) fault(key, "is missing");
  return value.value_or(otherwise.value_or(1));
}

std::optional<double> ConfigReader::optional_positive(std::string_view key,
                                                      std::optional<double> absent) {
  const json* value = find(key);
  if (value == nullptr) return explicit_null(key) ? std::nullopt : absent;
  if (!value->is_number()) {
    fault(key, fmt::format("must be a number, not {}", value->type_name()));
    return absent;
  }
  const double number = value->get<double>();
  if (!(number > 0) || !std::isfinite(number)) {
    fault(key, fmt::format("is {}, but must be greater than 0", value->dump()));
    return absent;
  }
  return number;
}

bool ConfigReader::flag(std::string_view key, bool otherwise) {
  const json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) {
    fault(key, fmt::format("must be true or false, not {}", value->type_name()));
    return otherwise;
  }
  return value->get<bool>();
}

std::string ConfigReader::text(std::string_view key, std::string_view otherwise) {
  const json* value = find(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return value->get<std::string>();
  fault(key, fmt::format("must be a string, not {}", value->type_name()));
  return std::string(otherwise);
}

std::optional<int64_t> ConfigReader::token(std::string_view key, std::optional<int64_t> absent) {
  const json* value = find(key);
  if (value == nullptr) return explicit_null(key) ? std::nullopt : absent;
  if (value->is_number_integer()) return value->get<int64_t>();
  fault(key, fmt::format("must be an integer, not {}", value->type_name()));
  return absent;
}

std::vector<int64_t> ConfigReader::tokens(std::string_view key, std::vector<int64_t> absent) {
  const json* value = find(key);
  if (value == nullptr) return explicit_null(key) ? std::vector<int64_t>{} : absent;
  if (value->is_array()) return integers(key);
  const std::optional<int64_t> one = token(key, std::nullopt);
  return one ? std::vector<int64_t>{*one} : std::move(absent);
}

std::vector<int64_t> ConfigReader::integers(std::string_view key) {
  const json* value = find(key);
  std::vector<int64_t> result;
  if (value == nullptr) return result;
  const bool right = value->is_array() && std::all_of(value->begin(), value->end(), [](auto& item) {
                       return item.is_number_integer();
                     });
  if (!right) {
    fault(key, "must be a list of integers");
    return result;
  }
  for (const json& item : *value) result.push_back(item.get<int64_t>());
  return result;
}

std::vector<std::string> ConfigReader::texts(std::string_view key) {
  const json* value = find(key);
  std::vector<std::string> result;
  if (value == nullptr) return result;
  const bool right = value->is_array() && std::all_of(value->begin(), value->end(),
                                                      [](auto& item) { return item.is_string(); });
  if (!right) {
    fault(key, "must be a list of strings");
    return result;
  }
  for (const json& item : *value) result.push_back(item.get<std::string>());
  return result;
}

std::optional<int64_t> ConfigReader::window(std::string_view key, std::optional<int64_t> absent) {
  if (explicit_null(key)) return std::nullopt;
  if (!has(key)) return absent;
  if (find(key)->is_number_integer() && *find(key) == 0) return std::nullopt;
  return size(key, kPositionsMax);
}

size_t ConfigReader::choice(std::string_view key, std::string_view otherwise,
                            std::span<const std::string_view> names) {
  const std::string wanted = text(key, otherwise);
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == wanted) return i;
  fault(key, fmt::format("is {}, which is not supported{}; supported: {}", in_quotes(wanted),
                         did_you_mean(wanted, names), fmt::join(names, ", ")));
  return 0;
}

ConfigReader ConfigReader::object(std::string_view key) {
  static const json kEmpty = json::object();  // what an absent or wrong object reads as
  const json* value = find(key);
  if (value != nullptr && !value->is_object()) {
    fault(key, fmt::format("must be an object, not {}", value->type_name()));
    value = nullptr;
  }
  return ConfigReader(value == nullptr ? kEmpty : *value, file_, fmt::format("{}{}.", path_, key));
}

void ConfigReader::take(ConfigReader& inner) {
  for (std::string& text : inner.faults_) faults_.push_back(std::move(text));
  inner.faults_.clear();
}

}  // namespace loadproof::sim
