#include "harness/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/argument.h"
#include "harness/files.h"
#include "sim/check.h"
#include "sim/memory/fill.h"

namespace loadproof::harness {
namespace {

constexpr SettingInfo kSettings[] = {
    {"world.ranks", "how many ranks, on one node"},
    {"world.nodes", "how many nodes"},
    {"world.ranks_per_node", "ranks of each node; rank = node * ranks_per_node + local rank"},
    {"model", "folder of config.json and safetensors files, from the scenario's own folder"},
    {"dtype", "element type asked of the model; auto: the checkpoint's own"},
    {"fill", "what memory holds that nobody wrote"},
    {"backend", "what moves bytes between ranks"},
    {"attention", "how attention is computed; the two differ in what NaN they hide"},
    {"seed", "of everything random"},
};

void assign_extent(int& extent, const Node& value, std::string_view path,
                   Diagnostics& diagnostics) {
  if (const auto count = read_int(value, path, 1, kRanksMax, diagnostics))
    extent = static_cast<int>(*count);
}

void check_size(Settings& settings, const Where& where, Diagnostics& diagnostics) {
  const Topology& topology = settings.topology;
  const int64_t ranks = int64_t{topology.nodes} * topology.ranks_per_node;
  if (ranks <= kRanksMax) return;
  diagnostics.add(where, fmt::format("{} nodes of {} ranks are more than {} ranks", topology.nodes,
                                     topology.ranks_per_node, kRanksMax));
  settings.topology = {};
}

}  // namespace

std::span<const SettingInfo> setting_infos() { return kSettings; }

std::vector<std::string> setting_paths() {
  std::vector<std::string> paths;
  for (const SettingInfo& setting : kSettings) paths.emplace_back(setting.path);
  return paths;
}

bool is_setting(std::string_view path) {
  return std::any_of(std::begin(kSettings), std::end(kSettings),
                     [&](const SettingInfo& setting) { return setting.path == path; });
}

std::vector<std::string> fill_names() {
  std::vector<std::string> names;
  for (const sim::FillInfo& fill : sim::fills()) names.emplace_back(fill.name);
  return names;
}

std::vector<std::string> backend_names() { return {"gloo", "sim"}; }
std::vector<std::string> attention_names() { return {"sdpa", "eager"}; }

void assign(Settings& settings, std::string_view path, const Node& value, const std::string& folder,
            Diagnostics& diagnostics) {
  if (path == "world.ranks") {
    settings.topology.nodes = 1;
    assign_extent(settings.topology.ranks_per_node, value, path, diagnostics);
  } else if (path == "world.nodes") {
    assign_extent(settings.topology.nodes, value, path, diagnostics);
    check_size(settings, value.where, diagnostics);
  } else if (path == "world.ranks_per_node") {
    assign_extent(settings.topology.ranks_per_node, value, path, diagnostics);
    check_size(settings, value.where, diagnostics);
  } else if (path == "model") {
    if (const auto text = read_text(value, path, diagnostics)) {
      settings.model = join_path(folder, *text);
      settings.model_where = value.where;
    }
  } else if (path == "dtype") {
    if (value.is_scalar() && value.text == "auto")
      settings.dtype.reset();
    else if (const auto dtype = read_dtype(value, path, diagnostics))
      settings.dtype = *dtype;
  } else if (path == "fill") {
    if (const auto fill = read_choice(value, path, fill_names(), diagnostics))
      settings.fill = *fill;
  } else if (path == "backend") {
    if (const auto backend = read_choice(value, path, backend_names(), diagnostics))
      settings.backend = *backend;
  } else if (path == "attention") {
    if (const auto attention = read_choice(value, path, attention_names(), diagnostics))
      settings.attention = *attention;
  } else {
    SIM_CHECK(path == "seed", "no setting {}", path);
    constexpr int64_t kSeedMax = std::numeric_limits<int64_t>::max();
    if (const auto seed = read_int(value, path, 0, kSeedMax, diagnostics))
      settings.seed = static_cast<uint64_t>(*seed);
  }
}

void assign_world(Settings& settings, const Node& world, Diagnostics& diagnostics) {
  if (!expect_map(world, "world", diagnostics)) return;
  check_keys(world, "world", {"ranks", "nodes", "ranks_per_node"}, diagnostics);
  const Entry* ranks = world.find("ranks");
  const bool by_node = world.find("nodes") || world.find("ranks_per_node");
  if (ranks && by_node) {
    diagnostics.add(ranks->where, "a world has either ranks or nodes and ranks_per_node");
    return;
  }
  if (world.entries.empty())
    diagnostics.add(world.where, "a world needs ranks, or nodes and ranks_per_node");
  for (const Entry& entry : world.entries) {
    const std::string path = "world." + entry.key;
    if (is_setting(path)) assign(settings, path, entry.value, {}, diagnostics);
  }
}

}  // namespace loadproof::harness
