#include "harness/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "harness/explain_table.h"
#include "harness/tensor_text.h"
#include "harness/words.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {
namespace {

// As YAML's flow style needs it.
std::string quoted_if_needed(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_of(",:{}[]\"#\n") == std::string::npos &&
                     std::string_view("!&*|>@%`'-?").find(text[0]) == std::string_view::npos;
  return plain ? text : fmt::format("\"{}\"", text);
}

std::string value_text(const Value& value) {
  struct Visitor {
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(int64_t i) const { return fmt::format("{}", i); }
    std::string operator()(double d) const { return fmt::format("{}", d); }
    std::string operator()(const std::string& s) const { return quoted_if_needed(s); }
    std::string operator()(const std::vector<int64_t>& v) const {
      return fmt::format("[{}]", fmt::join(v, ", "));
    }
    std::string operator()(const std::vector<std::string>& v) const {
      return fmt::format("[{}]", fmt::join(v, ", "));
    }
    std::string operator()(const RankSet& set) const { return quoted_if_needed(set.text()); }
    std::string operator()(const Selector& s) const { return quoted_if_needed(s.text()); }
  };
  return std::visit(Visitor(), value);
}

bool is_default(const ParamInfo& param, const Value& value) {
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value))
    return fmt::format("{}", fmt::join(*list, " ")) == param.fallback;
  return value_text(value) == param.fallback;
}

std::string header(const Case& plan) {
  std::string text = fmt::format("{}\n  {}\n", plan.id, plan.about);
  if (!plan.reference.empty()) text += fmt::format("  {}\n", plan.reference);
  text += fmt::format("\nworld   {} on {}, backend {}, fill {}, seed {}\n",
                      count_text(plan.topology.ranks(), "rank"),
                      count_text(plan.topology.nodes, "node"), plan.backend, plan.fill, plan.seed);
  if (plan.device != "cpu") text += fmt::format("device  {}\n", plan.device);
  if (plan.schedule > 0)
    text += fmt::format("order   of single steps, drawn by {}\n", plan.schedule);
  text += plan.model.empty()
              ? std::string("model   none\n")
              : fmt::format("model   {}, {}, attention {}\n", plan.model,
                            plan.dtype ? std::string(name(*plan.dtype)) : "the checkpoint's dtype",
                            plan.attention);
  if (!plan.tensors.empty()) text += "tensors\n";
  for (const ExtraTensor& tensor : plan.tensors) text += fmt::format("  {}\n", tensor_text(tensor));
  return text;
}

}  // namespace

std::string step_line(const Step& step) {
  std::vector<std::string> parts;
  if (!step.of.empty()) parts.push_back("of: " + value_text(step.of));
  if (!step.when.empty()) parts.push_back("when: " + value_text(step.when));
  if (!step.if_any.empty()) parts.push_back("if: " + value_text(step.if_any));
  if (const VerbInfo* verb = find_verb(step.verb)) {
    for (const ParamInfo& param : verb->params) {
      const auto value = step.args.find(std::string(param.name));
      if (value != step.args.end() && !is_default(param, value->second))
        parts.push_back(fmt::format("{}: {}", param.name, value_text(value->second)));
    }
  }
  return parts.empty() ? step.verb : fmt::format("{} {{{}}}", step.verb, fmt::join(parts, ", "));
}

std::string expectation_line(const Expectation& expectation) {
  if (expectation.expected == Expected::kPass) return "pass";
  if (expectation.expected == Expected::kFree) return "free";
  std::vector<std::string> parts;
  if (expectation.ranks) parts.push_back("ranks: " + value_text(*expectation.ranks));
  if (expectation.of) parts.push_back("of: " + value_text(*expectation.of));
  if (expectation.state) parts.push_back("state: " + *expectation.state);
  if (!expectation.fills.empty())
    parts.push_back(fmt::format("fills: [{}]", fmt::join(expectation.fills, ", ")));
  if (expectation.kinds.size() == 1) parts.push_back("kind: " + expectation.kinds[0]);
  if (expectation.kinds.size() > 1)
    parts.push_back(fmt::format("kind: [{}]", fmt::join(expectation.kinds, ", ")));
  if (expectation.at) parts.push_back("at: " + *expectation.at);
  if (expectation.from_rank) parts.push_back(fmt::format("from_rank: {}", *expectation.from_rank));
  if (!expectation.names.empty())
    parts.push_back(fmt::format("names: [{}]", fmt::join(expectation.names, ", ")));
  return parts.empty() ? "fail" : fmt::format("fail {{{}}}", fmt::join(parts, ", "));
}

std::string refusal_line(const Refusal& refusal) {
  std::string text = fmt::format("refuse {}", refusal.at);
  if (refusal.ranks) text += fmt::format(", on ranks {}", refusal.ranks->text());
  if (!refusal.names.empty()) text += fmt::format(", by {}", fmt::join(refusal.names, ", "));
  return text;
}

std::string explain(const Case& plan) {
  std::string text = header(plan) + program_text(plan) + "\nexpect\n";
  if (plan.refuse) text += fmt::format("  {}\n", refusal_line(*plan.refuse));
  for (const auto& [oracle, expectation] : plan.expect)
    text += fmt::format("  {}: {}\n", oracle, expectation_line(expectation));
  for (const ExpectedTokens& tokens : plan.tokens)
    text += fmt::format("  tokens of {}: {}\n", value_text(tokens.ranks),
                        fmt::join(tokens.tokens, " "));
  return text + (plan.expect.empty() ? "  every oracle passes\n" : "  every other oracle passes\n");
}

}  // namespace loadproof::harness
