// Recipes: named lists of steps with parameters, in files `loaders/NAME.yaml`, used by `use` steps.
//
// A Library finds them for one scenario, in the `loaders` and `scenarios/loaders` folders of the
// scenario's folder and all above it, and keeps what it has read. A value; one thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/argument.h"
#include "harness/files.h"
#include "harness/step_tree.h"

namespace loadproof::harness {

struct RecipeParam {
  std::string name;
  ParamType type = ParamType::kText;
  std::vector<std::string> choices;
  std::optional<Node> fallback;  // nothing: required; a null node: what it fills in is left out
  std::string about;
  Where where;
};

struct Recipe {
  std::string name;
  std::string about;
  std::vector<RecipeParam> params;
  Node steps;  // with $p and ${p} where the arguments go
  const RecipeParam* find(std::string_view param) const;
};

// Checks the whole file but what depends on arguments. REQUIRES: `name` is the file's name.
std::optional<Recipe> parse_recipe(const std::string& text, const std::string& path,
                                   const std::string& name, Diagnostics& diagnostics);

// All recipes of a folder, by name; wrong ones are diagnosed and left out.
std::vector<Recipe> load_recipes(const std::string& folder, const Files& files,
                                 Diagnostics& diagnostics);

class Library {
 public:
  Library() = default;
  Library(Files files, const std::string& scenario_folder);
  // nullptr after a diagnostic at `where`, or in the recipe's file.
  const Recipe* find(const std::string& name, const Where& where, Diagnostics& diagnostics);
  std::vector<std::string> names() const;
  const Sources& sources() const { return sources_; }

 private:
  Files files_;
  std::vector<std::string> folders_;
  std::map<std::string, std::optional<Recipe>> recipes_;  // nothing: has been looked for in vain
  Sources sources_;
};

// One argument that a patch gives to the step `id`.
struct ArgumentSet {
  std::string id;
  Entry argument;
  Where where;
  bool done = false;
};

// Expands every `use` of the tree, at any depth: its steps become the body of the use, and their
// ids get the prefix "ID." of a use that has one. Sets for a use apply before, and are marked as
// done.
void expand_uses(std::vector<RawStep>& steps, Library& library, std::span<ArgumentSet> sets,
                 Diagnostics& diagnostics);

inline constexpr int kUseDepthMax = 8;
inline constexpr size_t kStepsMax = 10'000;

}  // namespace loadproof::harness
