#include "harness/expectation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/settings.h"
#include "sim/checkpoint/nearest.h"
#include "sim/state.h"

namespace loadproof::harness {
namespace {

constexpr FailKey kFailKeys[] = {
    {"ranks", "exactly these ranks fail"},
    {"of", "exactly these tensors are named: names, kinds, file, slices"},
    {"state", "every finding's state at the end of its chain"},
    {"fills", "under these fills it must fail; under another it may, but only in this place"},
    {"kind",
     "the oracle's own word for what is wrong, such as op, size, missing, timeout or transport of "
     "no_hang"},
    {"at", "the point or step that is judged"},
    {"from_rank", "the rank at which the chain of every finding ends"},
    {"names", "texts that the findings contain, each at least once"},
};

constexpr FailKey kTokensKeys[] = {
    {"are", "the token ids, without the prompt"},
    {"ranks", "the ranks that must have drawn them; all if left out"},
    {"at", "the sample step; the rank's last one if left out"},
    {"fills", "under these fills alone; all if left out"},
};

bool is_static(const Selector& selector) {
  using Op = Selector::Op;
  return !selector.mentions(Op::kState) && !selector.mentions(Op::kFlag) &&
         !selector.mentions(Op::kIt) && !selector.mentions(Op::kModule) &&
         !selector.mentions(Op::kStored);
}

class ExpectParser {
 public:
  ExpectParser(const ExpectContext& context, Diagnostics& diagnostics)
      : context_(context), diagnostics_(diagnostics) {}

  ExpectRule rule(const Node& node) {
    ExpectRule rule;
    rule.where = node.where;
    if (node.is_scalar() && node.text == "pass") return rule;
    if (!node.is_map()) {
      diagnostics_.add(node.where, fmt::format("expect must be pass, a map from oracles, or a list "
                                               "of such maps, not {}",
                                               describe(node)));
      return rule;
    }
    for (const Entry& entry : node.entries) {
      const auto& oracles = context_.oracles;
      if (entry.key == "when") {
        rule.when = conditions(entry.value);
      } else if (entry.key == kTokensKey) {
        const std::vector<Node> one{entry.value};
        for (const Node& each : entry.value.is_list() ? entry.value.items : one)
          rule.tokens.push_back(tokens(each));
      } else if (std::find(oracles.begin(), oracles.end(), entry.key) == oracles.end()) {
        std::vector<std::string> known = oracles;
        known.insert(known.end(), {"when", std::string(kTokensKey)});
        diagnostics_.add_unknown(entry.where, "oracle", entry.key, known);
      } else {
        rule.oracles[entry.key] = expectation(entry);
      }
    }
    return rule;
  }

 private:
  std::vector<Condition> conditions(const Node& node) {
    std::vector<Condition> list;
    if (!expect_map(node, "when", diagnostics_)) return list;
    for (const Entry& entry : node.entries) {
      Condition condition{entry.key, entry.where, {}};
      const std::vector<Node> values =
          entry.value.is_list() ? entry.value.items : std::vector<Node>{entry.value};
      for (const Node& value : values)
        if (const auto text = read_text(value, fmt::format("when.{}", entry.key), diagnostics_))
          condition.values.emplace_back(*text, value.where);
      list.push_back(std::move(condition));
    }
    return list;
  }

  Expectation expectation(const Entry& entry) {
    Expectation expectation;
    expectation.where = entry.where;
    const Node& node = entry.value;
    if (node.is_map()) {
      expectation.expected = Expected::kFail;
      check_keys(node, "an expectation", {"fail"}, diagnostics_);
      if (const Entry* fail = node.find("fail"))
        read_fail(expectation, entry.key, fail->value);
      else if (node.entries.empty())
        diagnostics_.add(node.where,
                         fmt::format("{} must be pass, fail, free or {{fail: …}}", entry.key));
      return expectation;
    }
    const auto word = read_choice(node, entry.key, {"pass", "fail", "free"}, diagnostics_);
    if (word == "fail") expectation.expected = Expected::kFail;
    if (word == "free") expectation.expected = Expected::kFree;
    return expectation;
  }

  void read_fail(Expectation& expectation, const std::string& oracle, const Node& node) {
    if (node.is_null() || !expect_map(node, "fail", diagnostics_)) return;
    std::vector<std::string> known;
    for (const FailKey& key : kFailKeys) known.emplace_back(key.key);
    check_keys(node, "fail", known, diagnostics_);
    for (const auto& [key, where, value] : node.entries) {
      if (key == "ranks") expectation.ranks = read_ranks(value, key, context_.words, diagnostics_);
      if (key == "of") expectation.of = tensors(value);
      if (key == "state") expectation.state = read_choice(value, key, state_words(), diagnostics_);
      if (key == "fills") expectation.fills = fills(value);
      if (key == "kind") expectation.kind = kind(value, oracle);
      if (key == "at") expectation.at = read_text(value, key, diagnostics_);
      if (key == "names")
        expectation.names = read_texts(value, key, diagnostics_).value_or(expectation.names);
      if (key != "from_rank") continue;
      if (const auto rank = read_int(value, key, 0, kRanksMax - 1, diagnostics_))
        expectation.from_rank = static_cast<int>(*rank);
    }
  }

  ExpectedTokens tokens(const Node& node) {
    ExpectedTokens expected;
    expected.where = node.where;
    if (!expect_map(node, kTokensKey, diagnostics_)) return expected;
    std::vector<std::string> known;
    for (const FailKey& key : kTokensKeys) known.emplace_back(key.key);
    check_keys(node, kTokensKey, known, diagnostics_);
    if (!node.find("are"))
      diagnostics_.add(node.where, "tokens needs the key \"are\"", "a list of token ids");
    for (const auto& [key, where, value] : node.entries) {
      if (key == "ranks")
        expected.ranks = read_ranks(value, key, context_.words, diagnostics_).value_or(RankSet());
      if (key == "at") expected.at = read_text(value, key, diagnostics_).value_or("");
      if (key == "fills") expected.fills = fills(value);
      if (key != "are") continue;
      const auto ids = read_value(value, {.what = key, .type = ParamType::kInts}, context_.words,
                                  diagnostics_);
      if (ids) expected.tokens = std::get<std::vector<int64_t>>(*ids);
    }
    return expected;
  }

  std::optional<Selector> tensors(const Node& node) {
    auto selector = read_tensors(node, {.what = "of"}, context_.words, diagnostics_);
    if (!selector || is_static(*selector)) return selector;
    diagnostics_.add(node.where, "an expectation cannot depend on states, flags or module types",
                     "use names, kinds, file, tied and slices");
    return std::nullopt;
  }

  std::vector<std::string> fills(const Node& node) {
    const auto texts = read_texts(node, "fills", diagnostics_);
    if (!texts) return {};
    const std::vector<std::string> known = fill_names();
    for (size_t i = 0; i < texts->size(); ++i)
      if (std::find(known.begin(), known.end(), (*texts)[i]) == known.end())
        diagnostics_.add_unknown(node.is_list() ? node.items[i].where : node.where, "fill",
                                 (*texts)[i], known);
    return *texts;
  }

  std::optional<std::string> kind(const Node& node, const std::string& oracle) {
    if (oracle == "no_hang") return read_choice(node, "kind", no_hang_kinds(), diagnostics_);
    return read_text(node, "kind", diagnostics_);
  }

  const ExpectContext& context_;
  Diagnostics& diagnostics_;
};

}  // namespace

Expect parse_expect(const Node& node, const ExpectContext& context, Diagnostics& diagnostics) {
  ExpectParser parser(context, diagnostics);
  Expect expect{{}, node.where};
  if (!node.is_list()) {
    expect.rules.push_back(parser.rule(node));
    return expect;
  }
  if (node.items.empty()) diagnostics.add(node.where, "the list of expectations is empty");
  for (const Node& item : node.items) expect.rules.push_back(parser.rule(item));
  return expect;
}

bool applies(const ExpectRule& rule, std::span<const std::pair<std::string, std::string>> axes) {
  return std::all_of(rule.when.begin(), rule.when.end(), [&](const Condition& condition) {
    return std::any_of(axes.begin(), axes.end(), [&](const auto& axis) {
      return axis.first == condition.axis &&
             std::any_of(condition.values.begin(), condition.values.end(),
                         [&](const auto& value) { return value.first == axis.second; });
    });
  });
}

std::span<const FailKey> fail_keys() { return kFailKeys; }
std::span<const FailKey> tokens_keys() { return kTokensKeys; }

std::vector<std::string> no_hang_kinds() {
  return {"op",   "source", "name",    "shape",   "dtype",
          "size", "member", "missing", "timeout", "transport"};
}

std::vector<std::string> state_words() {
  std::vector<std::string> words;
  for (int i = 0; i < kStateKinds; ++i) words.emplace_back(name(static_cast<StateKind>(i)));
  return words;
}

}  // namespace loadproof::harness
