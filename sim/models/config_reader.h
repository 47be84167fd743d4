// Typed access to the keys of one config.json: every fault is noted and reading goes on, so that a
// person sees all of them at once. Used by the families; lives as long as one parse.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/models/config.h"

namespace loadproof::sim {

// Bounds of one size. They keep every product of sizes that a model needs far from overflow.
inline constexpr int64_t kWidthMax = int64_t{1} << 20;
inline constexpr int64_t kVocabMax = int64_t{1} << 24;
inline constexpr int64_t kPositionsMax = int64_t{1} << 40;
inline constexpr int64_t kLayersMax = 1024;
inline constexpr int64_t kExpertsMax = 1024;

class ConfigReader {
 public:
  ConfigReader(const nlohmann::json& object, std::string_view file, std::string_view path = "");

  // An absent key and a null are alike: a value of null is how the format says "none".
  bool has(std::string_view key) const;
  // The key's value where it is there, else the default; a wrong type or range is a fault.
  int64_t size(std::string_view key, int64_t max, std::optional<int64_t> otherwise = std::nullopt);
  double positive(std::string_view key, std::optional<double> otherwise = std::nullopt);
  std::optional<double> optional_positive(std::string_view key, std::optional<double> absent);
  bool flag(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  std::optional<int64_t> token(std::string_view key, std::optional<int64_t> absent);
  std::vector<int64_t> tokens(std::string_view key, std::vector<int64_t> absent);
  std::vector<int64_t> integers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  // A number of tokens; null and 0 are how a file says "none".
  std::optional<int64_t> window(std::string_view key, std::optional<int64_t> absent);
  // The one of `names` that the key gives, as an index; an unknown name is a fault.
  size_t choice(std::string_view key, std::string_view otherwise,
                std::span<const std::string_view> names);
  // A reader of a nested object; its faults go to this one by take().
  ConfigReader object(std::string_view key);
  void take(ConfigReader& inner);

  void fault(std::string_view key, std::string_view what);
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  const nlohmann::json* find(std::string_view key) const;  // nullptr: absent or null
  bool explicit_null(std::string_view key) const;

  const nlohmann::json& object_;
  std::string file_;
  std::string path_;  // "rope_parameters.", before the keys in messages
  std::vector<std::string> faults_;
};

// What most families share; all fill defaults in as the real library does.
struct SizeDefaults {
  bool tied = false;
  int64_t head_dim = 0;  // 0: hidden_size over heads
  int64_t positions_max = 0;
  double norm_eps = 1e-6;
};
void read_sizes(ConfigReader& reader, ModelConfig& config, const SizeDefaults& defaults);
void read_activation(ConfigReader& reader, ModelConfig& config, std::string_view key,
                     std::string_view otherwise);
// `layer_types` where the file has them, else slides(i) tells it of each layer. The window must
// have been read before.
void read_layer_types(ConfigReader& reader, ModelConfig& config, int64_t count,
                      const std::function<bool(int64_t)>& slides);
void set_layer_types(ModelConfig& config, int64_t count, LayerType type);
bool slides_anywhere(const ModelConfig& config);
void read_rope(ConfigReader& reader, ModelConfig& config, double default_theta);
RopeParameters read_rope_object(ConfigReader& reader, double theta, int64_t positions_max);
// The keys that Qwen2 and Qwen3 give sliding layers by.
void read_qwen_windows(ConfigReader& reader, ModelConfig& config);
void check_sizes(ConfigReader& reader, const ModelConfig& config);

}  // namespace loadproof::sim
