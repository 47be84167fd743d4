// Patches: what a variant or an option of a sweep changes in the program and the settings.
//
//   set: {STEP_ID.ARGUMENT or a setting: value}     null takes an argument away
//   set: {tensors.NAME.KEY: value, stores.NAME.KEY: value, refuse.KEY: value, refuse: null}
//     null takes a key away
//   drop: [ids] · move: {id: {before|after: id}} · swap: [id, id]
//   insert: {before|after: id, VERB: {…}} or {at: start|end, VERB: {…}}, or a list of such
//
// They apply in the order of the axes, and within a patch in the order of the file. Arguments of a
// `use` are set before its recipe is expanded, everything else is done after.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/recipe.h"
#include "harness/settings.h"
#include "harness/step_tree.h"

namespace loadproof::harness {

struct Position {
  enum class Kind : uint8_t { kBefore, kAfter, kStart, kEnd };
  Kind kind = Kind::kEnd;
  std::string id;  // of kBefore and kAfter
  Where where;
};

struct Operation {
  enum class Kind : uint8_t { kSetting, kDeclaration, kArgument, kDrop, kInsert, kMove, kSwap };
  Kind kind = Kind::kDrop;
  std::string path;                                // of kSetting and kDeclaration
  Node value;                                      // of kSetting
  ArgumentSet set;                                 // of kArgument
  std::vector<std::pair<std::string, Where>> ids;  // of kDrop, kMove: one; of kSwap: two
  Position position;                               // of kInsert and kMove
  std::optional<RawStep> step;                     // of kInsert
};

struct Patch {
  std::vector<Operation> operations;
  std::optional<std::string> about;
  std::optional<Node> expect;
};

// Reads set, drop, insert, move, swap, about and expect of a map; diagnoses any other key.
Patch parse_patch(const Node& map, std::string_view what, Diagnostics& diagnostics);
// One `set`; `path` stands at `where`.
Operation parse_set(const std::string& path, const Where& where, const Node& value,
                    Diagnostics& diagnostics);

// A program and its settings while they are patched.
struct Draft {
  Settings settings;
  Node tensors, stores, refuse;  // as the scenario has them; null: it has none
  std::vector<RawStep> steps;
  std::vector<RawStep> source;  // of the values at the end
};

// Expands all recipes and applies the patches; models are found from `folder`.
void apply_patches(Draft& draft, const std::vector<const Patch*>& patches, Library& library,
                   const std::string& folder, Diagnostics& diagnostics);

}  // namespace loadproof::harness
