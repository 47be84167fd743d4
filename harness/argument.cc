#include "harness/argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

#include "harness/argument_parts.h"
#include "sim/check.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr std::pair<ParamType, std::string_view> kTypeNames[] = {
    {ParamType::kBool, "bool"},   {ParamType::kInt, "int"},         {ParamType::kNumber, "number"},
    {ParamType::kText, "text"},   {ParamType::kChoice, "choice"},   {ParamType::kInts, "ints"},
    {ParamType::kRanks, "ranks"}, {ParamType::kTensors, "tensors"}, {ParamType::kDType, "dtype"},
    {ParamType::kTexts, "texts"}, {ParamType::kGroup, "group"}, {ParamType::kStore, "store"},
    {ParamType::kSteps, "steps"}, {ParamType::kSeconds, "seconds"}, {ParamType::kSlice, "slice"},
};

bool plausible_name(std::string_view word) {
  return word.find_first_of(".*?") != std::string_view::npos;
}

bool check_words(const Selector& selector, const Node& node, const Wanted& wanted,
                 const Vocabulary& words, Diagnostics& diagnostics) {
  bool good = true;
  for (const Selector::Node& leaf : selector.nodes()) {
    if (leaf.op == Selector::Op::kIt && !wanted.inside_each && words.strict) {
      diagnostics.add(inside(node, leaf.column), "\"it\" means something inside `each` only");
      good = false;
    }
    if (leaf.op == Selector::Op::kStored)
      good = read_store(scalar_node(leaf.text, inside(node, leaf.column)), wanted.what, words,
                        diagnostics) && good;
    const bool is_name = leaf.op == Selector::Op::kName || leaf.op == Selector::Op::kEqual;
    if (!is_name || plausible_name(leaf.text) || !words.strict ||
        words.tensors.contains(leaf.text))
      continue;
    std::vector<std::string> known(words.flags.begin(), words.flags.end());
    known.insert(known.end(), words.tensors.begin(), words.tensors.end());
    for (const SelectorWord& word : selector_words()) known.emplace_back(word.word);
    std::string hint = nearest_hint(leaf.text, known);
    if (!hint.starts_with("did"))
      hint = "a name of the model has a dot; a flag is set by some `mark`";
    diagnostics.add(inside(node, leaf.column),
                    fmt::format("{}: unknown word {}", wanted.what, in_quotes(leaf.text)), hint);
    good = false;
  }
  return good;
}

// Dimensions and roles that a rank set calls by name must be of the world.
bool check_names(const RankSet& set, const Node& node, std::string_view what,
                 const Vocabulary& words, Diagnostics& diagnostics) {
  if (!words.strict) return true;
  bool good = true;
  for (const RankSet::Name& one : set.names()) {
    const std::set<std::string>& names = one.is_dim ? words.dims : words.roles;
    if (names.contains(one.name)) continue;
    std::vector<std::string> known{"all", "none", "last", "local", "node"};
    known.insert(known.end(), words.dims.begin(), words.dims.end());
    known.insert(known.end(), words.roles.begin(), words.roles.end());
    std::string hint = nearest_hint(one.name, known);
    if (!hint.starts_with("did"))
      hint =
          "such as 0, 1..3, last, r>0, local 0 or node 1; roles and mesh dimensions are those of "
          "`world`";
    diagnostics.add(inside(node, one.column),
                    fmt::format("{}: the world has no {} {}", what,
                                one.is_dim ? "mesh dimension" : "role", in_quotes(one.name)),
                    hint);
    good = false;
  }
  return good;
}

Node fallback_node(const ParamInfo& param, const Where& where) {
  if (param.type != ParamType::kInts && param.type != ParamType::kTexts)
    return scalar_node(std::string(param.fallback), where);
  Node list;
  list.kind = Node::Kind::kList;
  list.where = where;
  for (const std::string& word : split_words(param.fallback))
    list.items.push_back(scalar_node(word, where));
  return list;
}

}  // namespace

std::string_view name(ParamType type) {
  for (const auto& [known, text] : kTypeNames)
    if (known == type) return text;
  SIM_CHECK(false, "parameter type {}", static_cast<int>(type));
}

std::optional<ParamType> param_type_named(std::string_view text) {
  for (const auto& [type, known] : kTypeNames)
    if (known == text) return type;
  return std::nullopt;
}

std::vector<std::string> split_words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::optional<std::string> read_text(const Node& node, std::string_view what,
                                     Diagnostics& diagnostics) {
  if (node.is_scalar() && !node.text.empty()) return node.text;
  wrong_type(node, what, "text", diagnostics);
  return std::nullopt;
}

std::optional<std::string> read_choice(const Node& node, std::string_view what,
                                       const std::vector<std::string>& choices,
                                       Diagnostics& diagnostics) {
  if (node.is_scalar())
    for (const std::string& choice : choices)
      if (choice == node.text) return choice;
  diagnostics.add(node.where, fmt::format("{} cannot be {}", what, describe(node)),
                  node.is_scalar() ? nearest_hint(node.text, choices) : "");
  return std::nullopt;
}

std::optional<DType> read_dtype(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (DType dtype : kAllDTypes) names.emplace_back(loadproof::name(dtype));
  const auto text = read_choice(node, what, names, diagnostics);
  return text ? dtype_named(*text) : std::nullopt;
}

std::optional<RankSet> read_ranks(const Node& node, std::string_view what, const Vocabulary& words,
                                  Diagnostics& diagnostics) {
  if (node.is_list() && !node.items.empty()) {
    std::string joined;
    for (const Node& item : node.items) {
      const auto part = read_ranks(item, what, words, diagnostics);
      if (!part) return std::nullopt;
      joined += (joined.empty() ? "" : " | ") + part->text();
    }
    auto set = RankSet::parse(joined);
    if (set) return *set;
    add_parse_error(scalar_node(joined, node.where), what, set.error(), diagnostics);
    return std::nullopt;
  }
  if (!node.is_scalar()) {
    wrong_type(node, what, "a rank set", diagnostics, "such as 0, r>0, local 0 or [0, 2]");
    return std::nullopt;
  }
  auto set = RankSet::parse(node.text);
  if (!set) {
    add_parse_error(node, what, set.error(), diagnostics);
    return std::nullopt;
  }
  if (!check_names(*set, node, what, words, diagnostics)) return std::nullopt;
  return *set;
}

std::optional<std::string> read_group(const Node& node, std::string_view what,
                                      const Vocabulary& words, Diagnostics& diagnostics) {
  const auto group = read_text(node, what, diagnostics);
  if (!group || !words.strict) return group;
  std::vector<std::string> known{"world", "node"};
  known.insert(known.end(), words.dims.begin(), words.dims.end());
  known.insert(known.end(), words.roles.begin(), words.roles.end());
  if (std::ranges::find(known, *group) != known.end()) return group;
  diagnostics.add_unknown(node.where, "group", *group, known);
  return std::nullopt;
}

std::optional<std::string> read_store(const Node& node, std::string_view what,
                                      const Vocabulary& words, Diagnostics& diagnostics) {
  const auto store = read_text(node, what, diagnostics);
  if (!store || !words.strict || words.stores.contains(*store)) return store;
  const std::vector<std::string> known(words.stores.begin(), words.stores.end());
  diagnostics.add_unknown(node.where, "store", *store, known);
  return std::nullopt;
}

std::optional<Selector> read_tensors(const Node& node, const Wanted& wanted,
                                     const Vocabulary& words, Diagnostics& diagnostics) {
  if (node.is_list() && !node.items.empty()) {
    std::string joined;
    bool good = true;
    for (const Node& item : node.items) {
      const auto part =
          item.is_list() ? std::nullopt : read_tensors(item, wanted, words, diagnostics);
      if (item.is_list()) wrong_type(item, wanted.what, "a selector", diagnostics);
      good = good && part;
      if (part) joined += (joined.empty() ? "" : " | ") + part->text();
    }
    if (!good) return std::nullopt;
    auto all = Selector::parse(joined, words.flags);
    if (all) return *all;
    add_parse_error(scalar_node(joined, node.where), wanted.what, all.error(), diagnostics);
    return std::nullopt;
  }
  if (!node.is_scalar()) {
    wrong_type(node, wanted.what, "a selector", diagnostics,
               "such as all, param, !initialised or model.*");
    return std::nullopt;
  }
  auto selector = Selector::parse(node.text, words.flags);
  if (!selector) {
    add_parse_error(node, wanted.what, selector.error(), diagnostics);
    return std::nullopt;
  }
  if (!check_words(*selector, node, wanted, words, diagnostics)) return std::nullopt;
  return *selector;
}

std::optional<std::vector<std::string>> read_texts(const Node& node, std::string_view what,
                                                   Diagnostics& diagnostics) {
  std::vector<std::string> texts;
  if (!node.is_list()) {
    const auto text = read_text(node, what, diagnostics);
    return text ? std::optional(std::vector{*text}) : std::nullopt;
  }
  for (const Node& item : node.items) {
    const auto text = read_text(item, what, diagnostics);
    if (!text) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}

std::optional<Value> read_value(const Node& node, const Wanted& wanted, const Vocabulary& words,
                                Diagnostics& diagnostics) {
  auto value = [](auto read) { return read ? std::optional<Value>(*read) : std::nullopt; };
  const std::string_view what = wanted.what;
  constexpr int64_t kIntMax = std::numeric_limits<int64_t>::max();
  switch (wanted.type) {
    case ParamType::kBool:
      return value(read_bool(node, what, diagnostics));
    case ParamType::kInt:
      return value(read_int(node, what, wanted.least, kIntMax, diagnostics));
    case ParamType::kNumber:
      return value(read_number(node, what, diagnostics));
    case ParamType::kSeconds:
      return value(read_seconds(node, what, diagnostics));
    case ParamType::kText:
      return value(read_text(node, what, diagnostics));
    case ParamType::kChoice:
      return value(read_choice(node, what, wanted.choices, diagnostics));
    case ParamType::kInts:
      return value(read_ints(node, what, diagnostics));
    case ParamType::kTexts:
      return value(read_texts(node, what, diagnostics));
    case ParamType::kRanks:
      return value(read_ranks(node, what, words, diagnostics));
    case ParamType::kTensors:
      return value(read_tensors(node, wanted, words, diagnostics));
    case ParamType::kDType: {
      const auto dtype = read_dtype(node, what, diagnostics);
      return dtype ? std::optional<Value>(std::string(loadproof::name(*dtype))) : std::nullopt;
    }
    case ParamType::kGroup:
      return value(read_group(node, what, words, diagnostics));
    case ParamType::kStore:
      return value(read_store(node, what, words, diagnostics));
    case ParamType::kSlice: {
      const auto slice = read_slice(node, what, diagnostics);
      return slice ? std::optional<Value>(slice->text()) : std::nullopt;
    }
    case ParamType::kSteps:
      break;
  }
  SIM_CHECK(false, "{} is no value", what);
}

std::optional<Value> read_argument(const Entry* given, const ParamInfo& param, const Where& where,
                                   const Vocabulary& words, Diagnostics& diagnostics,
                                   bool inside_each) {
  if (given == nullptr && param.fallback.empty()) return std::nullopt;
  return read_value(given ? given->value : fallback_node(param, where),
                    {.what = param.name,
                     .type = param.type,
                     .choices = split_words(param.choices),
                     .inside_each = inside_each,
                     .least = param.least},
                    words, diagnostics);
}

bool expect_map(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  if (node.is_map()) return true;
  wrong_type(node, what, "a map", diagnostics);
  return false;
}

void check_keys(const Node& map, std::string_view where, const std::vector<std::string>& known,
                Diagnostics& diagnostics) {
  for (const Entry& entry : map.entries) {
    bool found = false;
    for (const std::string& key : known) found = found || key == entry.key;
    if (!found)
      diagnostics.add_unknown(entry.where, fmt::format("key of {}", where), entry.key, known);
  }
}

}  // namespace loadproof::harness
