#include "harness/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "harness/oracles/oracle.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

namespace fs = std::filesystem;
using Only = std::vector<std::pair<std::string, std::string>>;

bool holds_no_scenarios(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == "loaders" || name == "models" || name == "schema";
}

Result<std::vector<Target>> files_below(const std::string& folder) {
  std::vector<Target> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      if (holds_no_scenarios(entry->path())) entry.disable_recursion_pending();
    } else if (entry->path().extension() == ".yaml") {
      found.push_back({entry->path().lexically_normal().string(), {}});
    }
  }
  if (error) return fail(fmt::format("cannot read {}: {}", folder, error.message()));
  if (found.empty()) return fail(fmt::format("there is no scenario (*.yaml) below {}", folder));
  std::ranges::sort(found, {}, &Target::file);
  return found;
}

// "axis=value/axis=value"; a part without "=" goes on with the value before it.
Result<Only> parse_id(std::string_view text, const std::string& path) {
  Only only;
  while (!text.empty()) {
    const size_t slash = std::min(text.find('/'), text.size());
    const std::string part(text.substr(0, slash));
    text.remove_prefix(std::min(text.size(), slash + 1));
    const size_t equals = part.find('=');
    if (equals != std::string::npos)
      only.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    else if (!only.empty())
      only.back().second += "/" + part;
    else
      return fail(fmt::format("{}: '{}' is not axis=value", path, part));
  }
  return only;
}

std::string no_such_path(const std::string& path) {
  const fs::path wanted(path);
  const fs::path folder = wanted.has_parent_path() ? wanted.parent_path() : ".";
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  return fmt::format("there is no file, folder or case called {}{}", path,
                     did_you_mean(wanted.filename().string(), names));
}

// Whether a scenario has an axis with that value.
bool has_value(const Scenario& scenario, const std::pair<std::string, std::string>& wanted) {
  for (const Axis& axis : scenario.axes)
    if (axis.name == wanted.first)
      return std::ranges::any_of(axis.options, [&](const Option& option) {
        return option.label == wanted.second || option.text == wanted.second;
      });
  return false;
}

bool has_axis(const Scenario& scenario, std::string_view name) {
  return std::ranges::find(scenario.axes, name, &Axis::name) != scenario.axes.end();
}

// Values of one axis are alternatives, so one of them will do.
bool has_all_axes(const Scenario& scenario, const Only& only, bool filled) {
  return std::ranges::all_of(only, [&](const auto& wanted) {
    if (filled && wanted.first == "fill") return true;
    return std::ranges::any_of(only, [&](const auto& other) {
      return other.first == wanted.first && has_value(scenario, other);
    });
  });
}

class Planner {
 public:
  Planner(const Overrides& overrides, const Files& files) : overrides_(overrides), files_(files) {}

  void add(const Target& target, bool alone) {
    const Scenario* scenario = parsed(target.file);
    if (!scenario) return;
    Overrides overrides = overrides_;
    if (!alone) {
      if (!has_all_axes(*scenario, overrides.only, overrides.fill == "all")) return;
      std::erase_if(overrides.only, [&](const auto& wanted) {
        return has_axis(*scenario, wanted.first) && !has_value(*scenario, wanted);
      });
    }
    for (const auto& [axis, value] : target.only) {
      // `--fill all` makes an axis that the file need not have.
      if (axis == "fill" && !has_axis(*scenario, axis))
        overrides.fill = value;
      else
        overrides.only.emplace_back(axis, value);
    }
    Expanded expanded = expand(*scenario, overrides);
    tell(expanded.diagnostics, {});
    for (Case& one : expanded.cases)
      if (ids_.insert(one.id).second) plan_.cases.push_back(std::move(one));
  }

  void problem(std::string text) { plan_.problems.push_back(std::move(text)); }

  Plan take() {
    if (plan_.problems.empty() && plan_.cases.empty())
      problem("no case is selected: no scenario has all the axes and values of --only\n");
    if (!plan_.problems.empty()) plan_.cases.clear();
    return std::move(plan_);
  }

 private:
  const Overrides& overrides_;
  const Files& files_;
  Plan plan_;
  std::set<std::string> ids_;
  std::map<std::string, std::optional<Scenario>> scenarios_;

  const Scenario* parsed(const std::string& file) {
    auto [entry, is_new] = scenarios_.try_emplace(file);
    if (is_new) {
      std::vector<std::string_view> names;
      for (const OracleInfo& oracle : oracles()) names.push_back(oracle.name);
      Parsed parsed = parse_scenario(file, files_, names);
      tell(parsed.diagnostics, parsed.sources);
      entry->second = std::move(parsed.scenario);
    }
    return entry->second ? &*entry->second : nullptr;
  }

  void tell(const std::vector<Diagnostic>& diagnostics, const Sources& sources) {
    if (!diagnostics.empty()) problem(print(diagnostics, sources));
  }
};

}  // namespace

Result<std::vector<Target>> find_targets(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return files_below(path);
  if (fs::exists(path, ignored)) return std::vector<Target>{{path, {}}};
  for (size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    const std::string file = path.substr(0, slash);
    if (!fs::is_regular_file(file, ignored)) continue;
    auto only = parse_id(std::string_view(path).substr(slash + 1), path);
    if (!only) return tl::make_unexpected(only.error());
    return std::vector<Target>{{file, std::move(*only)}};
  }
  return fail(no_such_path(path));
}

Plan make_plan(const std::vector<std::string>& paths, const Overrides& overrides,
               const Files& files) {
  Planner planner(overrides, files);
  std::vector<Target> targets;
  for (const std::string& path : paths) {
    auto found = find_targets(path);
    if (!found) planner.problem("error: " + found.error().message + "\n");
    else targets.insert(targets.end(), found->begin(), found->end());
  }
  for (const Target& target : targets) planner.add(target, targets.size() == 1);
  return planner.take();
}

}  // namespace loadproof::harness
