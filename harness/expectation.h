// What must come out: `expect: pass`, a map from oracles, or a list of such maps with `when`.
//
// Everything that is not named must pass. Of a list, the first rule whose `when` the case meets
// applies.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/argument.h"
#include "harness/case.h"
#include "harness/yaml.h"

namespace loadproof::harness {

struct Condition {
  std::string axis;
  Where where;
  std::vector<std::pair<std::string, Where>> values;  // any of them
};

struct ExpectRule {
  std::vector<Condition> when;  // all of them; empty: any case
  std::map<std::string, Expectation> oracles;
  std::vector<ExpectedTokens> tokens;
  Where where;
};

struct Expect {
  std::vector<ExpectRule> rules;
  Where where;
};

struct ExpectContext {
  std::vector<std::string> oracles;
  Vocabulary words;
};

Expect parse_expect(const Node& node, const ExpectContext& context, Diagnostics& diagnostics);

// Whether values of axes (in any order) meet the rule.
bool applies(const ExpectRule& rule, std::span<const std::pair<std::string, std::string>> axes);

// The keys of `fail: {…}` with a sentence each, for references and schema.
struct FailKey {
  std::string_view key;
  std::string_view about;
};
std::span<const FailKey> fail_keys();
// The same of `tokens: {…}`, which stands beside the oracles.
inline constexpr std::string_view kTokensKey = "tokens";
std::span<const FailKey> tokens_keys();
std::vector<std::string> state_words();

}  // namespace loadproof::harness
