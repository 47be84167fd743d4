// What a scenario says of the world around its program, each by a path that sweeps and patches use:
// world.ranks, world.nodes, world.ranks_per_node, world.mesh.DIM, model, dtype, fill, backend,
// device, attention, seed, budget.LIMIT, limits.LIMIT.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/case.h"
#include "harness/yaml.h"
#include "sim/dtype.h"
#include "sim/rank_set.h"

namespace loadproof::harness {

// A role or a group, as `world` declares it.
struct NamedRanks {
  std::string name;
  RankSet ranks;
  bool is_group = false;
  Where where;
  bool operator==(const NamedRanks&) const = default;
};

struct Settings {
  Topology topology;          // its roles are empty: see topology_of
  bool ranks_by_mesh = false;  // as many ranks as the mesh has places
  std::vector<NamedRanks> roles;  // in the order of the file: each may name those before it
  Where world_where;
  std::string model;  // as a path from the working directory; empty: none
  Where model_where;
  std::optional<DType> dtype;  // nothing: the checkpoint's own
  std::string fill = "nan";
  std::string backend = "gloo";
  std::string device = "cpu";
  std::string attention = "sdpa";
  uint64_t seed = 7;
  uint64_t schedule = 0;
  bool dry = false;
  Links links;
  Budget budget;
  Where budget_where;  // of the last limit that was set
  std::optional<int64_t> writes_max;  // of any element; nothing: no limit
  bool operator==(const Settings&) const = default;
};

inline constexpr int64_t kRanksMax = 16384;
inline constexpr int64_t kWritesMax = 1'000'000;

struct SettingInfo {
  std::string_view path;
  std::string_view about;
};
std::span<const SettingInfo> setting_infos();
std::vector<std::string> setting_paths();
bool is_setting(std::string_view path);

std::vector<std::string> fill_names();
std::vector<std::string> backend_names();
std::vector<std::string> device_names();
std::vector<std::string> attention_names();

// REQUIRES: is_setting(path). A model's path is taken from `folder`.
void assign(Settings& settings, std::string_view path, const Node& value, const std::string& folder,
            Diagnostics& diagnostics);

// The topology with the ranks of its roles and groups. A mesh that does not fit the ranks is
// diagnosed, and so is a rank of two roles.
Topology topology_of(const Settings& settings, Diagnostics& diagnostics);

// The map `budget`: {node_resident: 100 MiB, …}.
void assign_budget(Settings& settings, const Node& budget, Diagnostics& diagnostics);

// The map `links`: {storage: 2 GB/s, …}.
void assign_links(Settings& settings, const Node& links, Diagnostics& diagnostics);

// The map `limits`: {writes: 1}.
void assign_limits(Settings& settings, const Node& limits, Diagnostics& diagnostics);

// The map `world`: {ranks} or {nodes, ranks_per_node}, mesh, roles, groups.
void assign_world(Settings& settings, const Node& world, Diagnostics& diagnostics);

}  // namespace loadproof::harness
