#include "harness/patch.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/refusal.h"
#include "sim/check.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

using Kind = Operation::Kind;
constexpr std::string_view kTensors = "tensors.", kStores = "stores.";

bool is_of_refusal(std::string_view path) {
  return path == kRefuse || (path.starts_with(kRefuse) && path[kRefuse.size()] == '.');
}

std::optional<Position> parse_position(const Entry& entry, Diagnostics& diagnostics) {
  Position position;
  position.where = entry.value.where;
  if (entry.key == "at") {
    const auto at = read_choice(entry.value, "at", {"start", "end"}, diagnostics);
    if (!at) return std::nullopt;
    position.kind = *at == "start" ? Position::Kind::kStart : Position::Kind::kEnd;
    return position;
  }
  const auto id = read_text(entry.value, entry.key, diagnostics);
  if (!id) return std::nullopt;
  position.kind = entry.key == "before" ? Position::Kind::kBefore : Position::Kind::kAfter;
  position.id = *id;
  return position;
}

bool is_position(const Entry& entry) {
  return entry.key == "before" || entry.key == "after" || entry.key == "at";
}

void parse_insert(const Node& node, Patch& patch, Diagnostics& diagnostics) {
  if (node.is_list()) {
    for (const Node& item : node.items) parse_insert(item, patch, diagnostics);
    return;
  }
  if (!expect_map(node, "insert", diagnostics)) return;
  Operation operation;
  operation.kind = Kind::kInsert;
  int positions = 0, steps = 0;
  for (const Entry& entry : node.entries) {
    if (is_position(entry)) {
      ++positions;
      if (const auto position = parse_position(entry, diagnostics))
        operation.position = *position;
      else
        return;
    } else {
      ++steps;
      operation.step = parse_step(entry, diagnostics);
    }
  }
  if (positions != 1 || steps != 1)
    diagnostics.add(node.where, "an insert has one place and one step",
                    "such as {before: ID, barrier: {}}; before, after or at: start, end");
  else if (operation.step)
    patch.operations.push_back(std::move(operation));
}

void parse_drop(const Node& node, Patch& patch, Diagnostics& diagnostics) {
  std::vector<Node> ids = node.is_list() ? node.items : std::vector<Node>{node};
  for (const Node& id : ids) {
    Operation operation;
    operation.kind = Kind::kDrop;
    const auto text = read_text(id, "each of drop", diagnostics);
    if (!text) continue;
    operation.ids = {{*text, id.where}};
    patch.operations.push_back(std::move(operation));
  }
}

void parse_move(const Node& node, Patch& patch, Diagnostics& diagnostics) {
  if (!expect_map(node, "move", diagnostics)) return;
  for (const Entry& entry : node.entries) {
    Operation operation;
    operation.kind = Kind::kMove;
    operation.ids = {{entry.key, entry.where}};
    const Node& place = entry.value;
    if (!place.is_map() || place.entries.size() != 1 || !is_position(place.entries[0])) {
      diagnostics.add(place.where, "a move needs one place",
                      "such as {sync: {before: init}}; before, after or at: start, end");
      continue;
    }
    const auto position = parse_position(place.entries[0], diagnostics);
    if (!position) continue;
    operation.position = *position;
    patch.operations.push_back(std::move(operation));
  }
}

void parse_swap(const Node& node, Patch& patch, Diagnostics& diagnostics) {
  if (!node.is_list() || node.items.size() != 2) {
    diagnostics.add(node.where, "swap needs two ids", "such as [read, mark]");
    return;
  }
  Operation operation;
  operation.kind = Kind::kSwap;
  for (const Node& item : node.items) {
    const auto id = read_text(item, "each of swap", diagnostics);
    if (!id) return;
    operation.ids.emplace_back(*id, item.where);
  }
  patch.operations.push_back(std::move(operation));
}

class Applier {
 public:
  Applier(Draft& draft, Library& library, const std::string& folder, Diagnostics& diagnostics)
      : draft_(draft), library_(library), folder_(folder), diagnostics_(diagnostics) {}

  void apply(const std::vector<const Patch*>& patches) {
    for (const Patch* patch : patches)
      for (const Operation& operation : patch->operations)
        if (operation.kind == Kind::kArgument) sets_.push_back(operation.set);
    expand_uses(draft_.steps, library_, sets_, diagnostics_);
    expand_uses(draft_.source, library_, sets_, diagnostics_);
    size_t next_set = 0;
    for (const Patch* patch : patches) {
      for (const Operation& operation : patch->operations) {
        if (operation.kind == Kind::kArgument)
          set(sets_[next_set++]);
        else
          apply(operation);
      }
    }
  }

 private:
  void apply(const Operation& operation) {
    switch (operation.kind) {
      case Kind::kSetting:
        assign(draft_.settings, operation.path, operation.value, folder_, diagnostics_);
        return;
      case Kind::kDeclaration:
        return declare(operation);
      case Kind::kArgument:
        return;
      case Kind::kDrop:
        if (const auto place = find(operation.ids[0])) take(*place);
        return;
      case Kind::kInsert:
        return insert(operation);
      case Kind::kMove:
        return move(operation);
      case Kind::kSwap:
        return swap(operation);
    }
  }

  // tensors.NAME.KEY or stores.NAME.KEY, of which NAME may hold dots; KEY may be KEY.PART of a map.
  void declare(const Operation& operation) {
    if (is_of_refusal(operation.path)) {
      Node& refuse = draft_.refuse;
      const bool whole = operation.path == kRefuse;
      (whole ? refuse : child(refuse, operation.path.substr(kRefuse.size() + 1), operation)) =
          operation.value;
      return;
    }
    const bool tensors = operation.path.starts_with(kTensors);
    Node& list = tensors ? draft_.tensors : draft_.stores;
    const std::string rest = operation.path.substr(tensors ? kTensors.size() : kStores.size());
    std::vector<std::string> known;
    for (Entry& entry : list.entries) {
      known.push_back(entry.key);
      if (!rest.starts_with(entry.key + ".")) continue;
      std::string key = rest.substr(entry.key.size() + 1);
      Node* map = &entry.value;
      if (const size_t dot = key.find('.'); dot != std::string::npos) {
        map = &child(*map, key.substr(0, dot), operation);
        key = key.substr(dot + 1);
      }
      if (operation.value.is_null())
        std::erase_if(map->entries, [&](const Entry& one) { return one.key == key; });
      else
        child(*map, key, operation) = operation.value;
      return;
    }
    diagnostics_.add_unknown(operation.value.where, tensors ? "tensor" : "store",
                             rest.substr(0, rest.rfind('.')), known);
  }

  static Node& child(Node& map, const std::string& key, const Operation& operation) {
    map.kind = Node::Kind::kMap;
    for (Entry& entry : map.entries)
      if (entry.key == key) return entry.value;
    map.entries.push_back({key, operation.value.where, {}});
    map.entries.back().value.where = operation.value.where;
    return map.entries.back().value;
  }

  std::optional<StepPlace> find(const std::pair<std::string, Where>& id) {
    auto place = find_step(draft_.steps, id.first);
    if (!place) place = find_step(draft_.source, id.first);
    if (place) return place;
    std::vector<std::string> known = step_ids(draft_.steps);
    for (std::string& one : step_ids(draft_.source)) known.push_back(std::move(one));
    diagnostics_.add_unknown(id.second, "step id", id.first, known);
    return place;
  }

  // A set that an inserted use has already taken is done. The argument itself is checked later.
  void set(const ArgumentSet& set) {
    if (set.done) return;
    if (const auto place = find({set.id, set.where}))
      set_argument(place->step(), set.argument, diagnostics_);
  }

  static RawStep take(const StepPlace& place) {
    RawStep step = std::move(place.step());
    place.list->erase(place.list->begin() + static_cast<std::ptrdiff_t>(place.index));
    return step;
  }

  void put(RawStep step, const Position& position) {
    if (position.kind == Position::Kind::kStart) {
      draft_.steps.insert(draft_.steps.begin(), std::move(step));
    } else if (position.kind == Position::Kind::kEnd) {
      draft_.steps.push_back(std::move(step));
    } else if (const auto place = find({position.id, position.where})) {
      const size_t index = place->index + (position.kind == Position::Kind::kAfter ? 1 : 0);
      place->list->insert(place->list->begin() + static_cast<std::ptrdiff_t>(index),
                          std::move(step));
    }
  }

  void insert(const Operation& operation) {
    std::vector<RawStep> one{*operation.step};
    expand_uses(one, library_, sets_, diagnostics_);
    put(std::move(one[0]), operation.position);
  }

  void move(const Operation& operation) {
    const auto place = find(operation.ids[0]);
    if (!place) return;
    std::vector<RawStep> inner{place->step()};
    if (!operation.position.id.empty() && find_step(inner, operation.position.id)) {
      diagnostics_.add(operation.position.where, "a step cannot move into itself");
      return;
    }
    if (!operation.position.id.empty() && !find({operation.position.id, operation.position.where}))
      return;
    put(take(*place), operation.position);
  }

  void swap(const Operation& operation) {
    const auto a = find(operation.ids[0]);
    const auto b = find(operation.ids[1]);
    if (!a || !b) return;
    std::vector<RawStep> one{a->step()}, other{b->step()};
    if (find_step(one, operation.ids[1].first) || find_step(other, operation.ids[0].first)) {
      diagnostics_.add(operation.ids[1].second, "a step cannot change places with its own part");
      return;
    }
    std::swap(a->step(), b->step());
  }

  Draft& draft_;
  Library& library_;
  const std::string& folder_;
  Diagnostics& diagnostics_;
  std::vector<ArgumentSet> sets_;
};

}  // namespace

Operation parse_set(const std::string& path, const Where& where, const Node& value,
                    Diagnostics& diagnostics) {
  Operation operation;
  operation.kind = Kind::kSetting;
  operation.path = path;
  operation.value = value;
  if (is_setting(path)) return operation;
  if (is_of_refusal(path)) {
    operation.kind = Kind::kDeclaration;
    return operation;
  }
  for (std::string_view root : {kTensors, kStores}) {
    if (!path.starts_with(root)) continue;
    operation.kind = Kind::kDeclaration;
    if (path.find('.', root.size()) == std::string::npos)
      diagnostics.add(where, fmt::format("{} names no key", in_quotes(path)),
                      fmt::format("such as {}NAME.KEY", root));
    return operation;
  }
  const size_t dot = path.rfind('.');
  operation.kind = Kind::kArgument;
  if (dot == std::string::npos || dot == 0 || dot + 1 == path.size()) {
    diagnostics.add(where,
                    fmt::format("{} is neither a setting nor STEP_ID.ARGUMENT", in_quotes(path)),
                    nearest_hint(path, setting_paths()));
  } else if (path.starts_with("world.")) {
    diagnostics.add_unknown(where, "setting", path, setting_paths());
  } else {
    operation.set = {path.substr(0, dot), {path.substr(dot + 1), where, value}, where, false};
  }
  return operation;
}

Patch parse_patch(const Node& map, std::string_view what, Diagnostics& diagnostics) {
  Patch patch;
  if (map.is_null() || !expect_map(map, what, diagnostics)) return patch;
  check_keys(map, what, {"about", "set", "drop", "insert", "move", "swap", "expect"}, diagnostics);
  for (const auto& [key, where, value] : map.entries) {
    if (key == "about") patch.about = read_text(value, "about", diagnostics);
    if (key == "expect") patch.expect = value;
    if (key == "drop") parse_drop(value, patch, diagnostics);
    if (key == "insert") parse_insert(value, patch, diagnostics);
    if (key == "move") parse_move(value, patch, diagnostics);
    if (key == "swap") parse_swap(value, patch, diagnostics);
    if (key != "set" || !expect_map(value, "set", diagnostics)) continue;
    for (const Entry& entry : value.entries) {
      const size_t before = diagnostics.size();
      Operation operation = parse_set(entry.key, entry.where, entry.value, diagnostics);
      if (diagnostics.size() == before) patch.operations.push_back(std::move(operation));
    }
  }
  return patch;
}

void apply_patches(Draft& draft, const std::vector<const Patch*>& patches, Library& library,
                   const std::string& folder, Diagnostics& diagnostics) {
  Applier(draft, library, folder, diagnostics).apply(patches);
}

}  // namespace loadproof::harness
