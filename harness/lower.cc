#include "harness/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sim/checkpoint/nearest.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {
namespace {

constexpr std::string_view kEach = "each";  // whose body has an `it`

// The argument by which a verb sets a flag; empty: it sets none.
std::string_view flag_argument(std::string_view verb) {
  if (verb == "mark") return "flag";
  if (verb == "read") return "mark";
  if (verb == "update") return "failed";
  return {};
}

std::vector<std::string> argument_names(const VerbInfo& verb) {
  std::vector<std::string> names;
  for (const ParamInfo& param : verb.params) names.emplace_back(param.name);
  names.insert(names.end(), {"id", "ranks", "if"});
  if (verb.takes_of) names.insert(names.end(), {"of", "when"});
  return names;
}

class Lowering {
 public:
  Lowering(const Vocabulary& words, bool has_model, Diagnostics& diagnostics)
      : words_(words), has_model_(has_model), diagnostics_(diagnostics) {}

  std::vector<Step> lower(const std::vector<RawStep>& raw, bool inside_each) {
    std::vector<Step> steps;
    for (const RawStep& step : raw) {
      if (step.verb == kUse) {
        for (Step& inner : lower(step.body, inside_each)) steps.push_back(std::move(inner));
        continue;
      }
      const VerbInfo* verb = find_verb(step.verb);
      if (verb != nullptr) steps.push_back(lower(step, *verb, inside_each));
    }
    return steps;
  }

  void check_ids(const std::vector<RawStep>& steps) {
    for_each_step(steps, [&](const RawStep& step) {
      if (step.id.empty()) return;
      check_id(step);
      const auto [first, fresh] = given_ids_.emplace(step.id, step.id_where);
      if (!fresh)
        diagnostics_.add(step.id_where, fmt::format("the id {} is used twice", in_quotes(step.id)),
                         fmt::format("first at {}:{}{}", first->second.file, first->second.line,
                                     first->second.file == step.id_where.file &&
                                             first->second.line == step.id_where.line
                                         ? "; give each use of a recipe an id"
                                         : ""));
    });
  }

 private:
  Step lower(const RawStep& raw, const VerbInfo& verb, bool inside_each) {
    Step step;
    step.verb = raw.verb;
    step.where = raw.where;
    step.id = raw.id.empty() ? automatic_id(raw) : raw.id;
    check_names(raw, verb);
    if (const Entry* ranks = raw.find("ranks"))
      step.ranks = read_ranks(ranks->value, "ranks", words_, diagnostics_).value_or(RankSet());
    step.if_any = selector(raw, "if", inside_each || raw.verb == kEach);
    if (verb.takes_of) {
      step.of = selector(raw, "of", inside_each);
      step.when = selector(raw, "when", inside_each || raw.verb == kEach);
    }
    for (const ParamInfo& param : verb.params) add_argument(step, raw, param, inside_each);
    if (raw.has_body) step.body = lower(raw.body, inside_each || raw.verb == kEach);
    if (raw.verb == "sample" && !has_model_ && raw.find("of") == nullptr)
      diagnostics_.add(raw.where, "sample needs a model, and this scenario has none",
                       "or `of`, tensors that are logits");
    return step;
  }

  // `set: {ID.ARGUMENT: value}` must mean the step.
  void check_id(const RawStep& step) {
    static constexpr std::string_view kRoots[] = {"world",   "budget", "limits", "links",
                                                  "tensors", "stores", "refuse"};
    if (std::ranges::find(kRoots, step.id) != std::end(kRoots))
      diagnostics_.add(step.id_where, fmt::format("{} is no id: `set` calls something else so",
                                                  in_quotes(step.id)));
  }

  std::string automatic_id(const RawStep& raw) {
    const std::string id = fmt::format("{}@{}", raw.verb, raw.where.line);
    const int count = ++automatic_ids_[id];
    return count == 1 ? id : fmt::format("{}#{}", id, count);
  }

  void check_names(const RawStep& raw, const VerbInfo& verb) {
    const std::vector<std::string> known = argument_names(verb);
    for (const Entry& entry : raw.args) {
      const bool found = std::find(known.begin(), known.end(), entry.key) != known.end();
      if (entry.key == "id" || (!found && entry.key == "of")) {
        diagnostics_.add(entry.where,
                         entry.key == "id"
                             ? std::string("an id cannot be set")
                             : fmt::format("{} acts on no tensors and takes no \"of\"", verb.name));
      } else if (!found) {
        diagnostics_.add_unknown(entry.where, fmt::format("argument of {}", verb.name), entry.key,
                                 known);
      }
    }
    const bool has_of = raw.find("of") != nullptr;
    if (verb.of_required && !has_of) missing(raw, "of", "which tensors");
    const Entry* when = verb.takes_of && !verb.of_required && !has_of ? raw.find("when") : nullptr;
    if (when != nullptr)
      diagnostics_.add(when->where, "\"when\" chooses among the tensors of \"of\", which is absent",
                       fmt::format("of: all, or of: it inside `each`"));
    for (const ParamInfo& param : verb.params) {
      const bool given =
          param.type == ParamType::kSteps ? raw.has_body : raw.find(param.name) != nullptr;
      if (param.required && !given) missing(raw, param.name, param.about);
    }
  }

  void missing(const RawStep& raw, std::string_view name, std::string_view about) {
    diagnostics_.add(raw.where, fmt::format("{} needs the argument \"{}\"", raw.verb, name),
                     std::string(about));
  }

  Selector selector(const RawStep& raw, std::string_view name, bool inside_each) {
    const Entry* entry = raw.find(name);
    if (entry == nullptr) return {};
    return read_tensors(entry->value, {.what = name, .inside_each = inside_each}, words_,
                        diagnostics_)
        .value_or(Selector());
  }

  void add_argument(Step& step, const RawStep& raw, const ParamInfo& param, bool inside_each) {
    const Entry* entry = raw.find(param.name);
    if (param.type == ParamType::kSteps) return;
    const auto value =
        read_argument(entry, param, raw.where, words_, diagnostics_, inside_each);
    if (value) step.args.emplace(param.name, *value);
    if (entry != nullptr && param.name == flag_argument(raw.verb)) check_flag(entry->value);
  }

  void check_flag(const Node& node) {
    if (!node.is_scalar()) return;
    for (const SelectorWord& word : selector_words())
      if (word.word == node.text)
        diagnostics_.add(node.where, fmt::format("the flag {} is a word of selectors already",
                                                 in_quotes(node.text)));
    if (!is_identifier(node.text))
      diagnostics_.add(node.where, fmt::format("{} is no flag", in_quotes(node.text)),
                       "letters, digits, _ and -, beginning with a letter");
  }

  const Vocabulary& words_;
  bool has_model_;
  Diagnostics& diagnostics_;
  std::map<std::string, int> automatic_ids_;
  std::map<std::string, Where> given_ids_;
};

}  // namespace

void collect_flags(const std::vector<RawStep>& steps, std::set<std::string>& flags) {
  for_each_step(steps, [&](const RawStep& step) {
    const std::string_view name = flag_argument(step.verb);
    const Entry* flag = name.empty() ? nullptr : step.find(name);
    if (flag != nullptr && flag->value.is_scalar()) flags.insert(flag->value.text);
  });
}

Program lower(const std::vector<RawStep>& steps, const Vocabulary& words, bool has_model,
              Diagnostics& diagnostics) {
  Lowering lowering(words, has_model, diagnostics);
  Program program;
  program.steps = lowering.lower(steps, /*inside_each=*/false);
  lowering.check_ids(steps);
  number_steps(program);
  return program;
}

}  // namespace loadproof::harness
