#include "harness/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/axes.h"
#include "harness/build_case.h"
#include "harness/lower.h"
#include "harness/refusal.h"
#include "harness/store_list.h"
#include "harness/tensor_list.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr ScenarioKey kKeys[] = {
    {"about", "one sentence: what goes wrong, or what must go right"},
    {"like",
     "another scenario's file: what this one leaves out is as it is there, and paths are from that "
     "file's folder; for the same loads on another device, or in another world"},
    {"reference", "where the incident is told: an issue, a commit, a page"},
    {"model", "folder of config.json and safetensors files, from this file's folder"},
    {"world",
     "{ranks: N}, or {nodes: N, ranks_per_node: M}, or {mesh: {DIM: size, …}}; one rank if left "
     "out. devices_per_node: accelerators of a node, where its ranks share them. roles: {NAME: "
     "ranks}, of which a rank has one at most: each role runs a program of its own, "
     "and replicas, symmetric_error and atomic compare ranks within a role alone. groups: "
     "{NAME: ranks}, any ranks with a name, which nothing follows from. Both stand where ranks do, "
     "and as groups of steps; both may name what stands before them"},
    {"dtype", "element type asked of the model; the checkpoint's own if left out"},
    {"fill", "what memory holds that nobody wrote; nan if left out, all: one case for each"},
    {"seed", "of everything random; 7 if left out"},
    {"schedule",
     "0, if left out: each rank runs until it waits; else the seed of an order in which ranks take "
     "single steps, for what ranks share: memory and stores"},
    {"attention", "sdpa (if left out) or eager"},
    {"backend", "what moves bytes between ranks; gloo if left out"},
    {"device", "where tensors really are; cpu if left out"},
    {"budget",
     "bytes that ranks, nodes or devices may hold at once: {node_resident: 100 MiB}, or as a share "
     "of what another variant holds: {node_resident: 105% of VARIANT}; what exceeds it fails the "
     "oracle memory"},
    {"dry",
     "true: every case is run on shapes alone, without bytes, so that any model and any world "
     "fits; memory, no_hang, no_error and no_vacuous are judged, and of a model its config.json is "
     "enough"},
    {"links",
     "bytes a second between the parts of a cluster, for the estimate of time: {storage: 2 GB/s}"},
    {"limits",
     "how often steps may write any element of a tensor: {writes: 1}; more fails the oracle "
     "no_vacuous"},
    {"refuse",
     "{at: STEP, names: [texts], ranks}: the input of this step is bad, and ranks must raise "
     "there; "
     "clear_error judges whether they do, and no_error passes over it"},
    {"tensors", "tensors added to the model, or a model of their own"},
    {"stores", "folders of files that steps read and save; `file` is there by itself"},
    {"source",
     "steps of one rank that holds everything whole: what they leave in a tensor is what it must "
     "have at the end, in place of the file's elements"},
    {"steps", "the program: a list of verbs with their arguments"},
    {"sweep", "axes: a field and its values, or a name and patches"},
    {"variants", "patches by name: the axis `variant`"},
    {"invariant",
     "what must not matter: a field and its values, or a name and patches, as in sweep; each case "
     "is run with each of them, too, and must leave the same in all tensors"},
    {"expect", "which oracles must fail, and where; everything else must pass"},
};

// The first option of each axis, and then every other option of every axis, one at a time.
std::vector<std::vector<size_t>> one_at_a_time(const std::vector<Axis>& axes) {
  std::vector<std::vector<size_t>> choices{std::vector<size_t>(axes.size(), 0)};
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    for (size_t option = 1; option < axes[axis].options.size(); ++option) {
      choices.emplace_back(axes.size(), 0);
      choices.back()[axis] = option;
    }
  }
  return choices;
}

class ScenarioParser {
 public:
  ScenarioParser(const std::string& path, const Files& files) : files_(files) {
    scenario_.path = path;
    scenario_.folder = folder_of(path);
  }

  Parsed parse(std::span<const std::string_view> oracles) {
    scenario_.context.oracles.assign(oracles.begin(), oracles.end());
    auto root = root_of(scenario_.path, {scenario_.path, 0, 0});
    if (root) add_what_it_is_like(*root);
    scenario_.library = Library(files_, scenario_.folder);
    if (root && diagnostics_.empty()) read(*root);
    sources_.insert(scenario_.library.sources().begin(), scenario_.library.sources().end());
    Parsed parsed{std::nullopt, diagnostics_.sorted(), std::move(sources_)};
    if (diagnostics_.empty()) parsed.scenario = std::move(scenario_);
    return parsed;
  }

 private:
  std::optional<Node> root_of(const std::string& path, const Where& where) {
    const Result<std::string> text = files_.read(path);
    if (!text) {
      diagnostics_.add(where, text.error().message);
      return std::nullopt;
    }
    sources_[path] = *text;
    auto root = parse_yaml(*text, path, diagnostics_);
    if (root && !expect_map(*root, "a scenario", diagnostics_)) root.reset();
    return root;
  }

  void add_what_it_is_like(Node& root) {
    const Entry* like = root.find("like");
    if (like == nullptr) return;
    const auto file = read_text(like->value, "like", diagnostics_);
    if (!file) return;
    const std::string path = join_path(scenario_.folder, *file);
    const auto other = root_of(path, like->value.where);
    if (!other) return;
    if (other->find("like") != nullptr)
      return diagnostics_.add(like->value.where,
                              fmt::format("{} is like another scenario itself", path),
                              "name the one that it is like");
    scenario_.folder = folder_of(path);
    for (const Entry& entry : other->entries)
      if (root.find(entry.key) == nullptr) root.entries.push_back(entry);
  }

  void read(const Node& root) {
    std::vector<std::string> known;
    for (const ScenarioKey& key : kKeys) known.emplace_back(key.key);
    check_keys(root, "the scenario", known, diagnostics_);
    read_texts_and_settings(root);
    const Entry* tensors = root.find("tensors");
    const bool has_model = root.find("model") != nullptr || sweeps_model(root);
    for (const MeshDim& dim : scenario_.base.settings.topology.mesh)
      scenario_.context.words.dims.insert(dim.name);
    for (const auto& role : scenario_.base.settings.roles)
      scenario_.context.words.roles.insert(role.name);
    if (tensors != nullptr) scenario_.base.tensors = tensors->value;
    if (const Entry* stores = root.find("stores")) scenario_.base.stores = stores->value;
    if (const Entry* refuse = root.find(kRefuse)) scenario_.base.refuse = refuse->value;
    if (tensors != nullptr)
      scenario_.tensors =
          parse_tensors(tensors->value, has_model, scenario_.context.words, diagnostics_);
    const bool has_stores = root.find("stores") != nullptr;
    for (const StoreSpec& store :
         parse_stores(has_stores ? &scenario_.base.stores : nullptr, scenario_.tensors, has_model,
                      diagnostics_))
      scenario_.context.words.stores.insert(store.name);
    if (tensors == nullptr && !has_model)
      diagnostics_.add(root.where, "a scenario needs a model, or tensors");
    for (const ExtraTensor& tensor : scenario_.tensors)
      scenario_.context.words.tensors.insert(tensor.spec.name);
    if (const Entry* steps = root.find("steps"))
      scenario_.base.steps = parse_steps(steps->value, diagnostics_);
    else
      diagnostics_.add(root.where, "a scenario needs steps");
    if (const Entry* source = root.find("source"))
      scenario_.base.source = parse_steps(source->value, diagnostics_);
    read_axes(root);
    if (case_count(scenario_.axes) > kCasesMax) {
      diagnostics_.add(root.find("sweep") ? root.find("sweep")->where : root.where,
                       fmt::format("the axes make more than {} cases", kCasesMax));
      return;
    }
    read_flags();
    read_expectations(root);
    check_cases();
  }

  void read_texts_and_settings(const Node& root) {
    if (const Entry* about = root.find("about"))
      scenario_.about = read_text(about->value, "about", diagnostics_).value_or("");
    else
      diagnostics_.add(root.where, "a scenario needs the key \"about\"",
                       "one sentence: what goes wrong, or what must go right");
    if (const Entry* reference = root.find("reference"))
      scenario_.reference = read_text(reference->value, "reference", diagnostics_).value_or("");
    if (const Entry* world = root.find("world"))
      assign_world(scenario_.base.settings, world->value, diagnostics_);
    if (const Entry* links = root.find("links"))
      assign_links(scenario_.base.settings, links->value, diagnostics_);
    if (const Entry* budget = root.find("budget"))
      assign_budget(scenario_.base.settings, budget->value, diagnostics_);
    if (const Entry* limits = root.find("limits"))
      assign_limits(scenario_.base.settings, limits->value, diagnostics_);
    for (std::string_view key : {"model", "dtype", "dry", "fill", "seed", "schedule",
                                 "attention", "backend", "device"}) {
      const Entry* entry = root.find(key);
      if (entry == nullptr || is_all_fills(*entry)) continue;
      assign(scenario_.base.settings, key, entry->value, scenario_.folder, diagnostics_);
    }
  }

  static bool is_all_fills(const Entry& entry) {
    return entry.key == "fill" && entry.value.is_scalar() && entry.value.text == "all";
  }

  static bool sweeps_model(const Node& root) {
    const Entry* sweep = root.find("sweep");
    return sweep != nullptr && sweep->value.find("model") != nullptr;
  }

  void read_axes(const Node& root) {
    if (const Entry* variants = root.find("variants")) {
      Axis axis = parse_variants(variants->value, variants->where, diagnostics_);
      if (!axis.options.empty()) scenario_.axes.push_back(std::move(axis));
    }
    if (const Entry* sweep = root.find("sweep"))
      for (Axis& axis : parse_sweep(sweep->value, diagnostics_))
        scenario_.axes.push_back(std::move(axis));
    if (const Entry* invariant = root.find("invariant"))
      scenario_.invariant = parse_sweep(invariant->value, diagnostics_);
    const Entry* fill = root.find("fill");
    if (fill == nullptr || !is_all_fills(*fill)) return;
    for (const Axis& axis : scenario_.axes)
      if (axis.name == "fill") diagnostics_.add(fill->where, "fill is swept already");
    scenario_.axes.push_back(all_fills(fill->where));
  }

  // A selector may name a flag that only another option sets.
  void read_flags() {
    for (const auto& choice : one_at_a_time(scenario_.axes)) {
      const Draft draft = build_draft(scenario_, choice, scenario_.library, diagnostics_);
      collect_flags(draft.steps, scenario_.context.words.flags);
      collect_flags(draft.source, scenario_.context.words.flags);
    }
  }

  void read_expectations(const Node& root) {
    if (const Entry* expect = root.find("expect")) {
      scenario_.expect = parse_expect(expect->value, scenario_.context, diagnostics_);
      resolve_conditions(*scenario_.expect);
    }
    for (Axis& axis : scenario_.axes) {
      for (Option& option : axis.options) {
        if (!option.patch.expect) continue;
        option.expect = parse_expect(*option.patch.expect, scenario_.context, diagnostics_);
        resolve_conditions(*option.expect);
      }
    }
  }

  // Unknown axes and values are diagnosed; values become labels.
  void resolve_conditions(Expect& expect) {
    std::vector<std::string> names;
    for (const Axis& axis : scenario_.axes) names.push_back(axis.name);
    for (ExpectRule& rule : expect.rules) {
      for (Condition& condition : rule.when) {
        const auto axis = std::find_if(scenario_.axes.begin(), scenario_.axes.end(),
                                       [&](const Axis& a) { return a.name == condition.axis; });
        if (axis == scenario_.axes.end())
          diagnostics_.add_unknown(condition.where, "axis", condition.axis, names);
        else
          resolve_values(condition, *axis);
      }
    }
  }

  void resolve_values(Condition& condition, const Axis& axis) {
    std::vector<std::string> labels;
    for (const Option& option : axis.options) labels.push_back(option.label);
    for (std::pair<std::string, Where>& wanted : condition.values) {
      std::string& value = wanted.first;
      const auto option =
          std::find_if(axis.options.begin(), axis.options.end(),
                       [&](const Option& o) { return o.label == value || o.text == value; });
      if (option != axis.options.end())
        value = option->label;
      else
        diagnostics_.add_unknown(wanted.second, fmt::format("value of {}", axis.name), value,
                                 labels);
    }
  }

  void check_cases() {
    for (const Axis& axis : scenario_.axes)
      if (axis.name == kVariantAxis) scenario_.variants = axis.options;
    for (const auto& choice : one_at_a_time(scenario_.axes)) {
      const Draft draft = build_draft(scenario_, choice, scenario_.library, diagnostics_);
      check_model(draft.settings);
      build_case(scenario_, choice, {}, scenario_.library, diagnostics_);
    }
    if (diagnostics_.empty()) check_rules();
  }

  void check_model(const Settings& settings) {
    if (settings.model.empty() || !models_.insert(settings.model).second) return;
    const std::string config = join_path(settings.model, "config.json");
    if (files_.read(config)) return;
    const std::string folder = folder_of(settings.model);
    const std::string name = settings.model.substr(settings.model.rfind('/') + 1);
    std::string hint = nearest_hint(name, files_.list(folder));
    if (!hint.starts_with("did")) hint.clear();
    diagnostics_.add(settings.model_where, fmt::format("there is no {}", config), hint);
  }

  // Every rule must be the expectation of some case, and every case must have one.
  void check_rules() {
    std::set<const ExpectRule*> used;
    for_each_choice(scenario_.axes, [&](const std::vector<size_t>& choice) {
      const Expect* expect = expect_of(scenario_, choice);
      const ExpectRule* rule = expect ? rule_of(*expect, scenario_, choice) : nullptr;
      if (rule != nullptr) used.insert(rule);
      if (expect != nullptr && rule == nullptr) {
        diagnostics_.add(expect->where,
                         fmt::format("no expectation applies to {}", case_id(scenario_, choice)),
                         "one without `when`, at the end, serves for all others");
        return false;
      }
      return true;
    });
    if (!diagnostics_.empty()) return;
    if (scenario_.expect) report_unused(*scenario_.expect, used);
    for (const Axis& axis : scenario_.axes)
      for (const Option& option : axis.options)
        if (option.expect) report_unused(*option.expect, used);
  }

  void report_unused(const Expect& expect, const std::set<const ExpectRule*>& used) {
    for (const ExpectRule& rule : expect.rules)
      if (!used.contains(&rule))
        diagnostics_.add(rule.where, "no case uses this expectation",
                         "all cases meet an earlier one, or have a variant's own");
  }

  const Files& files_;
  Scenario scenario_;
  Diagnostics diagnostics_;
  Sources sources_;
  std::set<std::string> models_;  // that have been looked for
};

}  // namespace

Parsed parse_scenario(const std::string& path, const Files& files,
                      std::span<const std::string_view> oracles) {
  return ScenarioParser(path, files).parse(oracles);
}

std::span<const ScenarioKey> scenario_keys() { return kKeys; }

}  // namespace loadproof::harness
