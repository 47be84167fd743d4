#include "harness/step_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "sim/checkpoint/nearest.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {
namespace {

std::vector<std::string> verb_names() {
  std::vector<std::string> names{std::string(kUse)};
  for (const VerbInfo& verb : verb_infos()) names.emplace_back(verb.name);
  return names;
}

bool known_verb(std::string_view name) { return name == kUse || find_verb(name) != nullptr; }

void take_id(RawStep& step, const Entry& entry, Diagnostics& diagnostics) {
  step.id_where = entry.value.where;
  if (!entry.value.is_scalar() || !is_identifier(entry.value.text)) {
    diagnostics.add(entry.value.where, fmt::format("{} is no id", describe(entry.value)),
                    "letters, digits, _ and -, beginning with a letter");
  } else if (entry.value.text == "world" || entry.value.text == "end") {
    diagnostics.add(entry.value.where,
                    fmt::format("the id {} has a meaning of its own", in_quotes(entry.value.text)),
                    "choose another");
  } else {
    step.id = entry.value.text;
  }
}

bool takes_steps(std::string_view verb, std::string_view argument) {
  const VerbInfo* info = find_verb(verb);
  if (info == nullptr) return false;
  return std::any_of(info->params.begin(), info->params.end(), [&](const ParamInfo& param) {
    return param.name == argument && param.type == ParamType::kSteps;
  });
}

}  // namespace

const Entry* RawStep::find(std::string_view name) const {
  for (const Entry& entry : args)
    if (entry.key == name) return &entry;
  return nullptr;
}

bool is_identifier(std::string_view text) {
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (!std::isalpha(first) && first != '_') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

std::optional<RawStep> parse_step(const Entry& entry, Diagnostics& diagnostics) {
  RawStep step;
  step.verb = entry.key;
  step.where = entry.where;
  if (!known_verb(entry.key)) diagnostics.add_unknown(entry.where, "verb", entry.key, verb_names());
  if (entry.value.is_null()) return step;
  if (!entry.value.is_map()) {
    diagnostics.add(entry.value.where, fmt::format("the arguments of {} must be a map, not {}",
                                                   entry.key, describe(entry.value)));
    return std::nullopt;
  }
  for (const Entry& argument : entry.value.entries) {
    if (argument.key == "id") {
      take_id(step, argument, diagnostics);
    } else if (takes_steps(step.verb, argument.key)) {
      step.body = parse_steps(argument.value, diagnostics);
      step.has_body = true;
    } else {
      step.args.push_back(argument);
    }
  }
  return step;
}

std::optional<RawStep> parse_step(const Node& node, Diagnostics& diagnostics) {
  if (!node.is_map() || node.entries.empty()) {
    const bool verb = node.is_scalar() && known_verb(node.text);
    diagnostics.add(
        node.where,
        fmt::format("a step is a map from a verb to its arguments, not {}", describe(node)),
        verb ? fmt::format("write \"{}: {{}}\"", node.text) : "");
    return std::nullopt;
  }
  if (node.entries.size() > 1) {
    const Entry& extra = known_verb(node.entries[0].key) ? node.entries[1] : node.entries[0];
    diagnostics.add(
        extra.where,
        fmt::format("a step has one key, its verb; {} is one too many", in_quotes(extra.key)),
        known_verb(extra.key) ? "begin a new step with \"- \""
                              : "arguments belong into the braces of the verb");
  }
  const auto verb = std::find_if(node.entries.begin(), node.entries.end(),
                                 [](const Entry& entry) { return known_verb(entry.key); });
  return parse_step(verb == node.entries.end() ? node.entries[0] : *verb, diagnostics);
}

std::vector<RawStep> parse_steps(const Node& list, Diagnostics& diagnostics) {
  std::vector<RawStep> steps;
  if (!list.is_list()) {
    diagnostics.add(list.where, fmt::format("steps must be a list, not {}", describe(list)));
    return steps;
  }
  for (const Node& item : list.items)
    if (auto step = parse_step(item, diagnostics)) steps.push_back(std::move(*step));
  return steps;
}

void set_argument(RawStep& step, const Entry& argument, Diagnostics& diagnostics) {
  if (takes_steps(step.verb, argument.key)) {
    step.body = parse_steps(argument.value, diagnostics);
    return;
  }
  const auto old = std::find_if(step.args.begin(), step.args.end(),
                                [&](const Entry& entry) { return entry.key == argument.key; });
  if (argument.value.is_null()) {
    if (old != step.args.end()) step.args.erase(old);
  } else if (old != step.args.end()) {
    *old = argument;
  } else {
    step.args.push_back(argument);
  }
}

std::optional<StepPlace> find_step(std::vector<RawStep>& steps, std::string_view id) {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!id.empty() && steps[i].id == id) return StepPlace{&steps, i};
    if (auto found = find_step(steps[i].body, id)) return found;
  }
  return std::nullopt;
}

std::vector<std::string> step_ids(const std::vector<RawStep>& steps) {
  std::vector<std::string> ids;
  for_each_step(steps, [&](const RawStep& step) {
    if (!step.id.empty()) ids.push_back(step.id);
  });
  return ids;
}

void for_each_step(std::vector<RawStep>& steps, const std::function<void(RawStep&)>& visit) {
  for (RawStep& step : steps) {
    visit(step);
    for_each_step(step.body, visit);
  }
}

void for_each_step(const std::vector<RawStep>& steps,
                   const std::function<void(const RawStep&)>& visit) {
  for (const RawStep& step : steps) {
    visit(step);
    for_each_step(step.body, visit);
  }
}

}  // namespace loadproof::harness
