#include "harness/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "harness/argument.h"
#include "harness/files.h"
#include "harness/quantity.h"
#include "harness/step_tree.h"
#include "sim/check.h"
#include "sim/checkpoint/nearest.h"
#include "sim/device_names.h"
#include "sim/memory/fill.h"

namespace loadproof::harness {
namespace {

constexpr SettingInfo kSettings[] = {
    {"world.ranks", "how many ranks, on one node"},
    {"world.nodes", "how many nodes"},
    {"world.ranks_per_node", "ranks of each node; rank = node * ranks_per_node + local rank"},
    {"world.devices_per_node",
     "accelerators of each node, which its ranks share in turns; each has its own if left out"},
    {"world.mesh.DIM", "size of a dimension of the mesh, such as world.mesh.shard"},
    {"world.roles.NAME", "the ranks of a role that the world has"},
    {"world.groups.NAME", "the ranks of a group that the world has"},
    {"model", "folder of config.json and safetensors files, from the scenario's own folder"},
    {"dtype", "element type asked of the model; auto: the checkpoint's own"},
    {"fill", "what memory holds that nobody wrote"},
    {"backend", "what moves bytes between ranks"},
    {"device", "where the bytes of tensors really are: those that steps put on cuda, or all where no "
               "step names a device"},
    {"attention", "how attention is computed; the two differ in what NaN they hide"},
    {"seed", "of everything random"},
    {"schedule", "0: a rank runs until it waits; else the seed by which the rank that runs next is "
                 "drawn for each step"},
    {"dry", "true: run on shapes alone, at any size; what is judged is memory"},
    {"links.storage", "bytes a second that a node reads from or writes to files: 2 GB/s"},
    {"links.memory", "at which a node's host memory is written for the first time"},
    {"links.host_device", "between a rank's host memory and its accelerator"},
    {"links.intra_node", "between two ranks of a node"},
    {"links.inter_node", "between ranks of two nodes"},
    {"budget.rank_resident", "bytes that each rank may have written and still hold: 100 MiB"},
    {"budget.rank_reserved", "the same with what nobody has written"},
    {"budget.node_resident",
     "of all ranks of a node together: the sum of the most that each can have held since it last "
     "met others in a collective, for between meetings any two ranks may be at their peaks at "
     "once"},
    {"budget.node_reserved", "of all ranks of a node together"},
    {"budget.device_resident", "of an accelerator, by all ranks that run on it"},
    {"budget.device_reserved", "of an accelerator, by all ranks that run on it"},
    {"limits.writes", "how often steps may write any element of a tensor on one rank"},
};

constexpr std::string_view kMesh = "world.mesh.";
constexpr std::string_view kRole = "world.roles.";
constexpr std::string_view kGroup = "world.groups.";
constexpr std::string_view kRoles = "roles", kGroups = "groups";

constexpr std::string_view kBudget = "budget.", kLimits = "limits.", kLinks = "links.";

double* link_named(Links& links, std::string_view path) {
  if (path == "links.storage") return &links.storage;
  if (path == "links.memory") return &links.memory;
  if (path == "links.host_device") return &links.host_device;
  if (path == "links.intra_node") return &links.intra_node;
  return path == "links.inter_node" ? &links.inter_node : nullptr;
}

std::optional<Limit>* limit_named(Budget& budget, std::string_view path) {
  if (path == "budget.rank_resident") return &budget.rank_resident;
  if (path == "budget.rank_reserved") return &budget.rank_reserved;
  if (path == "budget.node_resident") return &budget.node_resident;
  if (path == "budget.node_reserved") return &budget.node_reserved;
  if (path == "budget.device_resident") return &budget.device_resident;
  return path == "budget.device_reserved" ? &budget.device_reserved : nullptr;
}

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

int64_t places_of(const Topology& topology) {
  int64_t places = 1;
  for (const MeshDim& dim : topology.mesh) places = std::min(kRanksMax + 1, places * dim.size);
  return places;
}

void follow_mesh(Settings& settings, const Where& where, Diagnostics& diagnostics) {
  if (!settings.ranks_by_mesh) return;
  settings.topology.nodes = 1;
  settings.topology.ranks_per_node = 1;
  const int64_t places = places_of(settings.topology);
  if (places > kRanksMax)
    diagnostics.add(where, fmt::format("the mesh has more than {} places", kRanksMax));
  else
    settings.topology.ranks_per_node = static_cast<int>(places);
}

void assign_dim(Settings& settings, std::string_view name, const Node& value,
                Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (MeshDim& dim : settings.topology.mesh) {
    known.push_back(dim.name);
    if (dim.name != name) continue;
    assign_extent(dim.size, value, name, diagnostics);
    return follow_mesh(settings, value.where, diagnostics);
  }
  diagnostics.add_unknown(value.where, "mesh dimension", std::string(name), known);
}

// Names of dimensions, roles and groups stand in rank sets and as groups, so they must be words of
// neither.
bool check_name(const Entry& entry, std::string_view what, const std::vector<std::string>& taken,
                Diagnostics& diagnostics) {
  static const std::vector<std::string> kReserved{"all", "none",  "r",    "rank",
                                                  "last", "local", "node", "world"};
  const bool word = is_identifier(entry.key) && entry.key.find('-') == std::string::npos;
  if (!word || std::ranges::find(kReserved, entry.key) != kReserved.end()) {
    diagnostics.add(entry.where, fmt::format("{} is no name of a {}", in_quotes(entry.key), what),
                    "letters, digits and _, and no word of rank sets");
    return false;
  }
  if (std::ranges::find(taken, entry.key) == taken.end()) return true;
  diagnostics.add(entry.where, fmt::format("two dimensions, roles or groups are called {}",
                                           in_quotes(entry.key)));
  return false;
}

void assign_mesh(Settings& settings, const Node& mesh, std::vector<std::string>& names,
                 Diagnostics& diagnostics) {
  if (!expect_map(mesh, "mesh", diagnostics)) return;
  for (const Entry& entry : mesh.entries) {
    if (!check_name(entry, "mesh dimension", names, diagnostics)) continue;
    names.push_back(entry.key);
    settings.topology.mesh.push_back({entry.key, 1});
    assign_dim(settings, entry.key, entry.value, diagnostics);
  }
}

void assign_roles(Settings& settings, const Entry& roles, std::vector<std::string>& names,
                  Diagnostics& diagnostics) {
  if (!expect_map(roles.value, roles.key, diagnostics)) return;
  const bool are_groups = roles.key == kGroups;
  for (const Entry& entry : roles.value.entries) {
    if (!check_name(entry, are_groups ? "group" : "role", names, diagnostics)) continue;
    Vocabulary words;
    for (const MeshDim& dim : settings.topology.mesh) words.dims.insert(dim.name);
    for (const NamedRanks& before : settings.roles) words.roles.insert(before.name);
    names.push_back(entry.key);
    if (const auto ranks = read_ranks(entry.value, entry.key, words, diagnostics))
      settings.roles.push_back({entry.key, *ranks, are_groups, entry.where});
  }
}

// A rank is in one role at most: what it holds is compared within that.
void check_overlap(const Topology& topology, const Role& role, const Where& where,
                   Diagnostics& diagnostics) {
  for (int rank : role.ranks) {
    const int other = topology.role_of(rank);
    if (role.is_group || other < 0) continue;
    diagnostics.add(where,
                    fmt::format("rank {} is in the roles {} and {}", rank,
                                in_quotes(topology.roles[static_cast<size_t>(other)].name),
                                in_quotes(role.name)),
                    "a rank has one role; names for any ranks are `groups`");
    return;
  }
}

}  // namespace

namespace {

// Other ranks of a role or group that there is.
void assign_members(Settings& settings, std::string_view path, const Node& value,
                    Diagnostics& diagnostics) {
  const bool is_group = path.starts_with(kGroup);
  const std::string_view name = path.substr(is_group ? kGroup.size() : kRole.size());
  Vocabulary words;
  for (const MeshDim& dim : settings.topology.mesh) words.dims.insert(dim.name);
  std::vector<std::string> known;
  for (NamedRanks& one : settings.roles) {
    if (one.is_group == is_group) known.push_back(one.name);
    if (one.name != name || one.is_group != is_group) {
      words.roles.insert(one.name);
      continue;
    }
    if (const auto ranks = read_ranks(value, path, words, diagnostics)) one.ranks = *ranks;
    return;
  }
  diagnostics.add_unknown(value.where, is_group ? "group" : "role", std::string(name), known);
}

}  // namespace

std::span<const SettingInfo> setting_infos() { return kSettings; }

std::vector<std::string> setting_paths() {
  std::vector<std::string> paths;
  for (const SettingInfo& setting : kSettings) paths.emplace_back(setting.path);
  return paths;
}

bool is_setting(std::string_view path) {
  for (std::string_view root : {kMesh, kRole, kGroup})
    if (path.starts_with(root)) return path.size() > root.size();
  return std::any_of(std::begin(kSettings), std::end(kSettings),
                     [&](const SettingInfo& setting) { return setting.path == path; });
}

std::vector<std::string> fill_names() {
  std::vector<std::string> names;
  for (const sim::FillInfo& fill : sim::fills()) names.emplace_back(fill.name);
  return names;
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const sim::DeviceInfo& info : sim::device_infos()) names.emplace_back(info.name);
  return names;
}

std::vector<std::string> backend_names() { return {"gloo", "nccl", "sim"}; }
std::vector<std::string> attention_names() { return {"sdpa", "eager"}; }

void assign(Settings& settings, std::string_view path, const Node& value, const std::string& folder,
            Diagnostics& diagnostics) {
  if (path.starts_with(kBudget)) {
    settings.budget_where = value.where;
    if (std::optional<Limit>* limit = limit_named(settings.budget, path))
      *limit = read_limit(value, path, diagnostics);
  } else if (double* link = path.starts_with(kLinks) ? link_named(settings.links, path) : nullptr) {
    if (const auto speed = read_speed(value, path, diagnostics)) *link = *speed;
  } else if (path == "dry") {
    if (const auto text = read_choice(value, path, {"true", "false"}, diagnostics))
      settings.dry = *text == "true";
  } else if (path == "limits.writes") {
    if (value.is_null())
      settings.writes_max.reset();
    else if (const auto most = read_int(value, path, 0, kWritesMax, diagnostics))
      settings.writes_max = *most;
  } else if (path.starts_with(kMesh)) {
    assign_dim(settings, path.substr(kMesh.size()), value, diagnostics);
  } else if (path.starts_with(kRole) || path.starts_with(kGroup)) {
    assign_members(settings, path, value, diagnostics);
  } else if (path == "world.ranks") {
    settings.ranks_by_mesh = false;
    settings.topology.nodes = 1;
    assign_extent(settings.topology.ranks_per_node, value, path, diagnostics);
  } else if (path == "world.nodes") {
    assign_extent(settings.topology.nodes, value, path, diagnostics);
    check_size(settings, value.where, diagnostics);
  } else if (path == "world.ranks_per_node") {
    assign_extent(settings.topology.ranks_per_node, value, path, diagnostics);
    check_size(settings, value.where, diagnostics);
  } else if (path == "world.devices_per_node") {
    assign_extent(settings.topology.devices_per_node, value, path, diagnostics);
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
  } else if (path == "device") {
    if (const auto device = read_choice(value, path, device_names(), diagnostics))
      settings.device = *device;
  } else if (path == "backend") {
    if (const auto backend = read_choice(value, path, backend_names(), diagnostics))
      settings.backend = *backend;
  } else if (path == "attention") {
    if (const auto attention = read_choice(value, path, attention_names(), diagnostics))
      settings.attention = *attention;
  } else {
    SIM_CHECK(path == "seed" || path == "schedule", "no setting {}", path);
    constexpr int64_t kSeedMax = std::numeric_limits<int64_t>::max();
    if (const auto seed = read_int(value, path, 0, kSeedMax, diagnostics))
      (path == "seed" ? settings.seed : settings.schedule) = static_cast<uint64_t>(*seed);
  }
}

namespace {

void assign_group(Settings& settings, std::string_view prefix, const Node& map,
                  Diagnostics& diagnostics) {
  const std::string_view key = prefix.substr(0, prefix.size() - 1);
  if (!expect_map(map, key, diagnostics)) return;
  std::vector<std::string> known;
  for (const SettingInfo& setting : kSettings)
    if (setting.path.starts_with(prefix)) known.emplace_back(setting.path.substr(prefix.size()));
  check_keys(map, key, known, diagnostics);
  for (const Entry& entry : map.entries)
    if (const std::string path = std::string(prefix) + entry.key; is_setting(path))
      assign(settings, path, entry.value, {}, diagnostics);
}

}  // namespace

void assign_budget(Settings& settings, const Node& budget, Diagnostics& diagnostics) {
  assign_group(settings, kBudget, budget, diagnostics);
}

void assign_links(Settings& settings, const Node& links, Diagnostics& diagnostics) {
  assign_group(settings, kLinks, links, diagnostics);
}

void assign_limits(Settings& settings, const Node& limits, Diagnostics& diagnostics) {
  assign_group(settings, kLimits, limits, diagnostics);
}

Topology topology_of(const Settings& settings, Diagnostics& diagnostics) {
  Topology topology = settings.topology;
  const int64_t places = places_of(topology);
  if (!topology.mesh.empty() && places != topology.ranks())
    diagnostics.add(settings.world_where,
                    fmt::format("the mesh has {} places, and the world {}", places,
                                topology.ranks() == 1 ? "1 rank"
                                                      : fmt::format("{} ranks", topology.ranks())));
  for (const NamedRanks& one : settings.roles) {
    Role role{one.name, one.ranks.members(topology), one.is_group};
    check_overlap(topology, role, one.where, diagnostics);
    topology.roles.push_back(std::move(role));
  }
  return topology;
}

void assign_world(Settings& settings, const Node& world, Diagnostics& diagnostics) {
  if (!expect_map(world, "world", diagnostics)) return;
  settings.world_where = world.where;
  check_keys(world, "world",
             {"ranks", "nodes", "ranks_per_node", "devices_per_node", "mesh", "roles", "groups"},
             diagnostics);
  const Entry* ranks = world.find("ranks");
  const Entry* mesh = world.find("mesh");
  const bool by_node = world.find("nodes") || world.find("ranks_per_node");
  if (ranks && by_node) {
    diagnostics.add(ranks->where, "a world has either ranks or nodes and ranks_per_node");
    return;
  }
  auto names_ranks = [](const Entry& entry) { return entry.key == kRoles || entry.key == kGroups; };
  auto says_no_size = [&](const Entry& entry) {
    return names_ranks(entry) || entry.key == "devices_per_node";
  };
  if (std::ranges::all_of(world.entries, says_no_size))
    diagnostics.add(world.where, "a world needs ranks, or nodes and ranks_per_node, or a mesh");
  settings.ranks_by_mesh = mesh != nullptr && !ranks && !by_node;
  for (const Entry& entry : world.entries) {
    const std::string path = "world." + entry.key;
    if (is_setting(path)) assign(settings, path, entry.value, {}, diagnostics);
  }
  std::vector<std::string> names;
  if (mesh) assign_mesh(settings, mesh->value, names, diagnostics);
  for (const Entry& entry : world.entries)
    if (names_ranks(entry)) assign_roles(settings, entry, names, diagnostics);
}

}  // namespace loadproof::harness
