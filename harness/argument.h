// From a YAML node to a typed value: one reader for verbs, recipes, expectations and settings.
//
// Every reader returns nothing after it has added a diagnostic; the places of errors inside rank
// sets and selectors are those of the character at fault.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/yaml.h"
#include "sim/dtype.h"
#include "sim/program.h"
#include "sim/slice.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {

// What words a selector may use beside the language's own.
struct Vocabulary {
  std::set<std::string> flags;
  std::set<std::string> tensors;  // declared in the scenario itself
  std::set<std::string> dims = {};  // of the mesh
  std::set<std::string> roles = {};
  std::set<std::string> stores = {"file"};
  bool strict = true;             // false: any word passes, as long as flags are not known yet
};

// The name of a type in recipes, references and messages: "bool", "int", "number", "text",
// "choice", "ints", "texts", "ranks", "tensors", "dtype", "group", "store", "steps", "seconds".
std::string_view name(ParamType type);
std::optional<ParamType> param_type_named(std::string_view text);

// "meta empty zeros" → its words.
std::vector<std::string> split_words(std::string_view text);

// A type and, of a choice, its choices; `what` begins messages: "as".
struct Wanted {
  std::string_view what;
  ParamType type = ParamType::kText;
  std::vector<std::string> choices = {};
  bool inside_each = false;  // `it` means something
  int64_t least = std::numeric_limits<int64_t>::min();  // of kInt
};

// REQUIRES: wanted.type is not kSteps.
std::optional<Value> read_value(const Node& node, const Wanted& wanted, const Vocabulary& words,
                                Diagnostics& diagnostics);

// An argument of a verb, or its default where it is not given; nothing also where it has neither.
std::optional<Value> read_argument(const Entry* given, const ParamInfo& param, const Where& where,
                                   const Vocabulary& words, Diagnostics& diagnostics,
                                   bool inside_each = false);

std::optional<std::string> read_text(const Node& node, std::string_view what,
                                     Diagnostics& diagnostics);
std::optional<std::string> read_choice(const Node& node, std::string_view what,
                                       const std::vector<std::string>& choices,
                                       Diagnostics& diagnostics);
std::optional<int64_t> read_int(const Node& node, std::string_view what, int64_t least,
                                int64_t most, Diagnostics& diagnostics);
std::optional<double> read_number(const Node& node, std::string_view what,
                                  Diagnostics& diagnostics);
std::optional<DType> read_dtype(const Node& node, std::string_view what, Diagnostics& diagnostics);
std::optional<RankSet> read_ranks(const Node& node, std::string_view what, const Vocabulary& words,
                                  Diagnostics& diagnostics);
// The name of a group of ranks: world, node, a dimension of the mesh, a role or a group.
std::optional<std::string> read_group(const Node& node, std::string_view what,
                                      const Vocabulary& words, Diagnostics& diagnostics);
std::optional<std::string> read_store(const Node& node, std::string_view what,
                                      const Vocabulary& words, Diagnostics& diagnostics);
std::optional<Selector> read_tensors(const Node& node, const Wanted& wanted,
                                     const Vocabulary& words, Diagnostics& diagnostics);
// As sim/slice.h has it.
std::optional<Slice> read_slice(const Node& node, std::string_view what, Diagnostics& diagnostics);
// One text or a list of them.
std::optional<std::vector<std::string>> read_texts(const Node& node, std::string_view what,
                                                   Diagnostics& diagnostics);
// False after a diagnostic.
bool expect_map(const Node& node, std::string_view what, Diagnostics& diagnostics);
// Diagnoses each key that is not known.
void check_keys(const Node& map, std::string_view where, const std::vector<std::string>& known,
                Diagnostics& diagnostics);

}  // namespace loadproof::harness
