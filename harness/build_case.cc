#include "harness/build_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "harness/axes.h"
#include "harness/lower.h"
#include "harness/refusal.h"
#include "harness/store_list.h"
#include "harness/tensor_list.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

// The folders between "scenarios" and the file, and the variant.
std::vector<std::string> labels_for(const Case& made) {
  std::vector<std::string> labels;
  std::istringstream stream(made.scenario);
  bool below = false;
  for (std::string part; std::getline(stream, part, '/');) {
    if (below) labels.push_back(part);
    if (part == "scenarios") {
      below = true;
      labels.clear();
    }
  }
  if (!labels.empty()) labels.pop_back();
  for (const auto& [axis, value] : made.axes)
    if (axis == kVariantAxis) labels.push_back(value);
  return labels;
}

void check_points(const Case& made, Diagnostics& diagnostics) {
  std::vector<std::string> ids{"end"}, samples;
  for (const Step* step : flat_steps(made.program)) {
    ids.push_back(step->id);
    if (step->verb == "sample") samples.push_back(step->id);
  }
  for (const ExpectedTokens& expected : made.tokens)
    if (!expected.at.empty() && std::ranges::find(samples, expected.at) == samples.end())
      diagnostics.add_unknown(expected.where, "sample step in \"at\" of tokens", expected.at,
                              samples);
  if (made.refuse && !made.refuse->at.empty() &&
      std::ranges::find(ids, made.refuse->at) == ids.end())
    diagnostics.add_unknown(made.refuse->where, "step in \"at\" of refuse", made.refuse->at, ids);
  for (const auto& [oracle, expectation] : made.expect)
    if (expectation.at && std::find(ids.begin(), ids.end(), *expectation.at) == ids.end())
      diagnostics.add_unknown(expectation.where, fmt::format("step in \"at\" of {}", oracle),
                              *expectation.at, ids);
}

// What a `wait` waits for must be a step.
void check_waits(const Case& made, Diagnostics& diagnostics) {
  std::vector<std::string> ids;
  for (const Step* step : flat_steps(made.program)) ids.push_back(step->id);
  for (const Step* step : flat_steps(made.program))
    if (step->verb == "wait" &&
        std::ranges::find(ids, arg<std::string>(*step, "for")) == ids.end())
      diagnostics.add_unknown(step->where, "step in \"for\" of wait",
                              arg<std::string>(*step, "for"), ids);
}

int64_t group_size(const std::string& group, const Topology& topology) {
  if (group == "node") return topology.ranks_per_node;
  if (const auto dim = topology.find_dim(group)) return topology.mesh[*dim].size;
  const Role* role = topology.find_role(group);
  return role ? static_cast<int64_t>(role->ranks.size()) : topology.ranks();
}

void check_sources(const Case& made, Diagnostics& diagnostics) {
  for (const Step* step : flat_steps(made.program)) {
    const auto* source = optional_arg<int64_t>(*step, "src");
    const auto* group = optional_arg<std::string>(*step, "group");
    if (source == nullptr || group == nullptr) continue;
    const auto* counts_in = optional_arg<std::string>(*step, "src_in");
    const bool in_world = counts_in != nullptr && *counts_in == "world";
    const int64_t size = in_world ? made.topology.ranks() : group_size(*group, made.topology);
    if (*source < size) continue;
    const std::string has = size == 1 ? "rank 0 alone" : fmt::format("ranks 0 to {}", size - 1);
    diagnostics.add(step->where, fmt::format("src of {} is {}, but the group {} has {} in {}",
                                             step->id, *source, *group, has, made.id));
  }
}

}  // namespace

Draft build_draft(const Scenario& scenario, const std::vector<size_t>& choice, Library& library,
                  Diagnostics& diagnostics, const Patch* last, const Option* variant) {
  std::vector<const Patch*> patches;
  for (size_t i = 0; i < scenario.axes.size(); ++i) {
    const bool other = variant != nullptr && scenario.axes[i].name == kVariantAxis;
    patches.push_back(other ? &variant->patch : &scenario.axes[i].options[choice[i]].patch);
  }
  if (last != nullptr) patches.push_back(last);
  Draft draft = scenario.base;
  apply_patches(draft, patches, library, scenario.folder, diagnostics);
  return draft;
}

const Expect* expect_of(const Scenario& scenario, const std::vector<size_t>& choice) {
  const Expect* expect = scenario.expect ? &*scenario.expect : nullptr;
  for (size_t i = 0; i < scenario.axes.size(); ++i) {
    const Option& option = scenario.axes[i].options[choice[i]];
    if (option.expect) expect = &*option.expect;
  }
  return expect;
}

const ExpectRule* rule_of(const Expect& expect, const Scenario& scenario,
                          const std::vector<size_t>& choice) {
  const auto labels = labels_of(scenario.axes, choice);
  for (const ExpectRule& rule : expect.rules)
    if (applies(rule, labels)) return &rule;
  return nullptr;
}

std::string case_id(const Scenario& scenario, const std::vector<size_t>& choice) {
  std::string id = scenario.path;
  for (const auto& [axis, value] : labels_of(scenario.axes, choice))
    id += fmt::format("/{}={}", axis, value);
  return id;
}

namespace {

// All of it but the expectations.
Case build_plan(const Scenario& scenario, const std::vector<size_t>& choice,
                const std::vector<Assignment>& assignments, Library& library,
                Diagnostics& diagnostics, const Patch* last = nullptr,
                const Option* variant = nullptr) {
  Draft draft = build_draft(scenario, choice, library, diagnostics, last, variant);
  for (const Assignment& assignment : assignments)
    assign(draft.settings, assignment.path, assignment.value, "", diagnostics);
  Case made;
  made.scenario = scenario.path;
  made.about = scenario.about;
  made.reference = scenario.reference;
  made.axes = labels_of(scenario.axes, choice);
  made.id = case_id(scenario, choice);
  made.labels = labels_for(made);
  for (size_t i = 0; i < scenario.axes.size(); ++i) {
    const auto& about = scenario.axes[i].options[choice[i]].patch.about;
    if (about) made.about = *about;
  }
  const Settings& settings = draft.settings;
  made.topology = topology_of(settings, diagnostics);
  made.model = settings.model;
  made.dtype = settings.dtype;
  made.fill = settings.fill;
  made.backend = settings.backend;
  made.device = settings.device;
  made.attention = settings.attention;
  made.seed = settings.seed;
  made.schedule = settings.schedule;
  made.dry = settings.dry;
  made.links = settings.links;
  made.budget = settings.budget;
  made.writes_max = settings.writes_max;
  const bool has_model = !settings.model.empty();
  made.tensors = scenario.tensors;
  if (!draft.tensors.is_null())
    made.tensors = parse_tensors(draft.tensors, has_model, scenario.context.words, diagnostics);
  made.stores = parse_stores(draft.stores.is_null() ? nullptr : &draft.stores, made.tensors,
                             has_model, diagnostics);
  Vocabulary words = scenario.context.words;
  collect_flags(draft.steps, words.flags);
  collect_flags(draft.source, words.flags);
  made.program = lower(draft.steps, words, has_model, diagnostics);
  if (!draft.source.empty()) made.source = lower(draft.source, words, has_model, diagnostics);
  made.refuse = parse_refusal(draft.refuse, words, diagnostics);
  check_sources(made, diagnostics);
  check_waits(made, diagnostics);
  return made;
}

// The variants that the budget is told in shares of, each once.
void add_baselines(Case& made, const Scenario& scenario, const std::vector<size_t>& choice,
                   const std::vector<Assignment>& assignments, Library& library,
                   Diagnostics& diagnostics) {
  for (const std::optional<Limit>* limit : made.budget.all()) {
    if (!*limit || (*limit)->variant.empty()) continue;
    const std::string& name = (*limit)->variant;
    if (std::ranges::find(made.baselines, name, &Twin::value) != made.baselines.end()) continue;
    const auto variant = std::ranges::find(scenario.variants, name, &Option::label);
    std::vector<std::string> known;
    for (const Option& option : scenario.variants) known.push_back(option.label);
    if (variant == scenario.variants.end())
      diagnostics.add_unknown(scenario.base.settings.budget_where, "variant in budget", name,
                              known);
    else
      made.baselines.push_back({std::string(kVariantAxis), name,
                                build_plan(scenario, choice, assignments, library, diagnostics,
                                           nullptr, &*variant)});
  }
}

}  // namespace

Case build_case(const Scenario& scenario, const std::vector<size_t>& choice,
                const std::vector<Assignment>& assignments, Library& library,
                Diagnostics& diagnostics) {
  Case made = build_plan(scenario, choice, assignments, library, diagnostics);
  for (const Axis& axis : scenario.invariant)
    for (const Option& option : axis.options)
      made.twins.push_back({axis.name, option.label,
                            build_plan(scenario, choice, assignments, library, diagnostics,
                                       &option.patch)});
  add_baselines(made, scenario, choice, assignments, library, diagnostics);
  if (const Expect* expect = expect_of(scenario, choice)) {
    const ExpectRule* rule = rule_of(*expect, scenario, choice);
    if (rule != nullptr) {
      made.expect = rule->oracles;
      made.tokens = rule->tokens;
    } else if (diagnostics.empty()) {  // else a wrong condition may be the reason
      diagnostics.add(expect->where, fmt::format("no expectation applies to {}", made.id),
                      "one without `when`, at the end, serves for all others");
    }
  }
  check_points(made, diagnostics);
  return made;
}

}  // namespace loadproof::harness
