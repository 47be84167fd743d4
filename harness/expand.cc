#include "harness/expand.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/axes.h"
#include "harness/build_case.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr size_t kDiagnosticsMax = 1000;  // enough to see; most would be the same ones again

Axis* find_axis(std::vector<Axis>& axes, std::string_view name) {
  for (Axis& axis : axes)
    if (axis.name == name) return &axis;
  return nullptr;
}

bool is_value(const Option& option, const std::string& value) {
  return option.label == value || option.text == value;
}

class Overriding {
 public:
  Overriding(Scenario& scenario, Diagnostics& diagnostics)
      : scenario_(scenario), diagnostics_(diagnostics) {}

  std::vector<Assignment> apply(const Overrides& overrides) {
    if (overrides.ranks) assign("world.ranks", "--ranks", std::to_string(*overrides.ranks));
    if (overrides.dtype) assign("dtype", "--dtype", *overrides.dtype);
    if (overrides.model) assign("model", "--model", *overrides.model);
    if (overrides.dry) assign("dry", "--dry", "true");
    if (overrides.seed) assign("seed", "--seed", std::to_string(*overrides.seed));
    if (overrides.backend) assign("backend", "--backend", *overrides.backend);
    if (overrides.device) assign("device", "--device", *overrides.device);
    if (overrides.fill == "all")
      sweep_fills();
    else if (overrides.fill)
      assign("fill", "--fill", *overrides.fill);
    filter(overrides.only);
    return std::move(assignments_);
  }

 private:
  // A swept field keeps the option of that value, or gets one that changes nothing by itself.
  void assign(const std::string& path, const std::string& option, const std::string& value) {
    const Node node = scalar_node(value, {option, 0, 0});
    assignments_.push_back({path, node});
    Axis* axis = find_axis(scenario_.axes, path);
    if (axis == nullptr) return;
    std::erase_if(axis->options, [&](const Option& o) { return !is_value(o, value); });
    if (!axis->options.empty()) return;
    const std::string label = path == "model" ? value.substr(value.rfind('/') + 1) : value;
    axis->options.push_back({label, value, node.where, {}, std::nullopt});
  }

  void sweep_fills() {
    Axis all = all_fills({"--fill", 0, 0});
    if (Axis* axis = find_axis(scenario_.axes, "fill"))
      *axis = std::move(all);
    else
      scenario_.axes.push_back(std::move(all));
  }

  void filter(const std::vector<std::pair<std::string, std::string>>& only) {
    std::map<std::string, std::set<std::string>> wanted;
    for (const auto& [name, value] : only) {
      const Axis* axis = find_axis(scenario_.axes, name);
      if (axis == nullptr) {
        unknown_axis(name);
        continue;
      }
      bool found = false;
      std::vector<std::string> labels;
      for (const Option& option : axis->options) {
        labels.push_back(option.label);
        if (!is_value(option, value)) continue;
        found = true;
        wanted[name].insert(option.label);
      }
      if (!found)
        diagnostics_.add(
            {"--only", 0, 0},
            fmt::format("{} has no value {} in {}", name, in_quotes(value), scenario_.path),
            fmt::format("there are: {}", fmt::join(labels, ", ")));
    }
    for (const auto& axis : wanted)
      std::erase_if(find_axis(scenario_.axes, axis.first)->options, [&](const Option& option) {
        return !axis.second.contains(option.label);
      });
  }

  void unknown_axis(const std::string& name) {
    std::vector<std::string> names;
    for (const Axis& axis : scenario_.axes) names.push_back(axis.name);
    diagnostics_.add(
        {"--only", 0, 0}, fmt::format("no axis {} in {}", in_quotes(name), scenario_.path),
        names.empty() ? "it has no axes" : fmt::format("there are: {}", fmt::join(names, ", ")));
  }

  Scenario& scenario_;
  Diagnostics& diagnostics_;
  std::vector<Assignment> assignments_;
};

}  // namespace

Expanded expand(const Scenario& given, const Overrides& overrides) {
  Scenario scenario = given;
  Diagnostics diagnostics;
  const std::vector<Assignment> assignments = Overriding(scenario, diagnostics).apply(overrides);
  Expanded expanded;
  if (case_count(scenario.axes) > kCasesMax)
    diagnostics.add({scenario.path, 0, 0}, fmt::format("more than {} cases", kCasesMax));
  if (diagnostics.empty()) {
    for_each_choice(scenario.axes, [&](const std::vector<size_t>& choice) {
      expanded.cases.push_back(
          build_case(scenario, choice, assignments, scenario.library, diagnostics));
      return diagnostics.size() < kDiagnosticsMax;
    });
  }
  expanded.diagnostics = diagnostics.sorted();
  if (!diagnostics.empty()) expanded.cases.clear();
  return expanded;
}

}  // namespace loadproof::harness
