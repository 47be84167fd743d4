#include "harness/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/substitute.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr int kFoldersUpMax = 8;  // above the working directory
constexpr std::string_view kSuffix = ".yaml";

std::vector<std::string> param_type_names() {
  std::vector<std::string> names;
  for (ParamType type : {ParamType::kRanks, ParamType::kTensors, ParamType::kText, ParamType::kInt,
                         ParamType::kNumber, ParamType::kBool, ParamType::kChoice, ParamType::kInts,
                         ParamType::kTexts, ParamType::kDType, ParamType::kGroup,
                         ParamType::kStore, ParamType::kSeconds, ParamType::kSlice})
    names.emplace_back(name(type));
  return names;
}

RecipeParam parse_param(const Entry& entry, Diagnostics& diagnostics) {
  RecipeParam param;
  param.name = entry.key;
  param.where = entry.where;
  if (!is_identifier(entry.key) || entry.key == "recipe" || entry.key == "id")
    diagnostics.add(entry.where, fmt::format("{} cannot be a parameter", in_quotes(entry.key)));
  const std::string what = fmt::format("parameter {}", entry.key);
  if (!expect_map(entry.value, what, diagnostics)) return param;
  check_keys(entry.value, "a parameter", {"type", "choices", "default", "about"}, diagnostics);
  if (const Entry* type = entry.value.find("type")) {
    if (const auto text = read_choice(type->value, "type", param_type_names(), diagnostics))
      param.type = *param_type_named(*text);
  } else {
    diagnostics.add(entry.where, fmt::format("{} needs a type", what));
  }
  const Entry* choices = entry.value.find("choices");
  if (choices != nullptr)
    param.choices = read_texts(choices->value, "choices", diagnostics).value_or(param.choices);
  if ((param.type == ParamType::kChoice) != (choices != nullptr))
    diagnostics.add(choices ? choices->where : entry.where,
                    choices ? "only a parameter of type choice has choices"
                            : fmt::format("{} needs choices", what));
  if (const Entry* about = entry.value.find("about"))
    param.about = read_text(about->value, "about", diagnostics).value_or("");
  if (const Entry* fallback = entry.value.find("default")) {
    param.fallback = fallback->value;
    if (!fallback->value.is_null())
      read_value(fallback->value, {.what = "default", .type = param.type, .choices = param.choices},
                 {.flags = {}, .tensors = {}, .strict = false}, diagnostics);
  }
  return param;
}

void check_references(const Recipe& recipe, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const RecipeParam& param : recipe.params) known.push_back(param.name);
  std::set<std::string> used;
  for_each_reference(recipe.steps, [&](const std::string& name, const Where& where) {
    used.insert(name);
    if (recipe.find(name) == nullptr) diagnostics.add_unknown(where, "parameter", name, known);
  });
  for (const RecipeParam& param : recipe.params)
    if (!used.contains(param.name))
      diagnostics.add(param.where, fmt::format("parameter {} is not used", in_quotes(param.name)),
                      fmt::format("a step uses it as ${}", param.name));
}

// The arguments of a use, with defaults; nothing after a diagnostic.
std::optional<std::map<std::string, Node>> arguments(const RawStep& use, const Recipe& recipe,
                                                     Diagnostics& diagnostics) {
  const size_t before = diagnostics.size();
  std::vector<std::string> known;
  for (const RecipeParam& param : recipe.params) known.push_back(param.name);
  for (const Entry& entry : use.args)
    if (entry.key != "recipe" && recipe.find(entry.key) == nullptr)
      diagnostics.add_unknown(entry.where, fmt::format("argument of {}", recipe.name), entry.key,
                              known);
  std::map<std::string, Node> values;
  for (const RecipeParam& param : recipe.params) {
    const Entry* given = use.find(param.name);
    if (given != nullptr && !given->value.is_null()) {
      read_value(given->value, {.what = param.name, .type = param.type, .choices = param.choices},
                 {.flags = {}, .tensors = {}, .strict = false}, diagnostics);
      values[param.name] = given->value;
    } else if (param.fallback) {
      values[param.name] = *param.fallback;
    } else {
      diagnostics.add(use.where,
                      fmt::format("{} needs the argument {}", recipe.name, in_quotes(param.name)),
                      param.about);
    }
  }
  if (diagnostics.size() > before) return std::nullopt;
  return values;
}

class Expander {
 public:
  Expander(Library& library, std::span<ArgumentSet> sets, Diagnostics& diagnostics)
      : library_(library), sets_(sets), diagnostics_(diagnostics) {}

  void expand(std::vector<RawStep>& steps, int depth) {
    for (RawStep& step : steps) {
      if (step.verb == kUse && !step.expanded)
        expand_use(step, depth);
      else
        expand(step.body, depth);
    }
  }

 private:
  void expand_use(RawStep& use, int depth) {
    use.expanded = true;
    for (ArgumentSet& set : sets_) {
      if (use.id.empty() || set.id != use.id) continue;
      set_argument(use, set.argument, diagnostics_);
      set.done = true;
    }
    const Entry* name = use.find("recipe");
    if (name == nullptr) {
      diagnostics_.add(use.where, "a use needs the argument \"recipe\"");
      return;
    }
    const auto text = read_text(name->value, "recipe", diagnostics_);
    if (!text) return;
    if (depth == kUseDepthMax) {
      diagnostics_.add(use.where,
                       fmt::format("recipes use each other more than {} deep", kUseDepthMax));
      return;
    }
    const Recipe* recipe = library_.find(*text, name->value.where, diagnostics_);
    if (recipe == nullptr) return;
    const auto values = arguments(use, *recipe, diagnostics_);
    if (!values) return;
    use.body = parse_steps(substitute(recipe->steps, *values, diagnostics_), diagnostics_);
    count(use);
    if (too_many_) use.body.clear();
    if (!use.id.empty()) prefix(use.body, use.id + ".");
    expand(use.body, depth + 1);
  }

  void count(const RawStep& use) {
    for_each_step(use.body, [&](const RawStep&) { ++steps_; });
    if (steps_ > kStepsMax && !too_many_) {
      too_many_ = true;
      diagnostics_.add(use.where, fmt::format("more than {} steps with all recipes", kStepsMax));
    }
  }

  static void prefix(std::vector<RawStep>& steps, const std::string& text) {
    for_each_step(steps, [&](RawStep& step) {
      if (!step.id.empty()) step.id.insert(0, text);
    });
  }

  Library& library_;
  std::span<ArgumentSet> sets_;
  Diagnostics& diagnostics_;
  size_t steps_ = 0;
  bool too_many_ = false;
};

}  // namespace

const RecipeParam* Recipe::find(std::string_view param) const {
  for (const RecipeParam& known : params)
    if (known.name == param) return &known;
  return nullptr;
}

std::optional<Recipe> parse_recipe(const std::string& text, const std::string& path,
                                   const std::string& name, Diagnostics& diagnostics) {
  const size_t before = diagnostics.size();
  const auto root = parse_yaml(text, path, diagnostics);
  if (!root || !expect_map(*root, "a recipe", diagnostics)) return std::nullopt;
  check_keys(*root, "the recipe", {"recipe", "about", "params", "steps"}, diagnostics);
  Recipe recipe;
  for (std::string_view key : {"recipe", "about", "steps"})
    if (root->find(key) == nullptr)
      diagnostics.add(root->where, fmt::format("a recipe needs the key \"{}\"", key));
  if (const Entry* given = root->find("recipe")) {
    recipe.name = read_text(given->value, "recipe", diagnostics).value_or("");
    if (!recipe.name.empty() && recipe.name != name)
      diagnostics.add(given->value.where,
                      fmt::format("the recipe in {} must be called {}", path, in_quotes(name)));
  }
  if (const Entry* about = root->find("about"))
    recipe.about = read_text(about->value, "about", diagnostics).value_or("");
  const Entry* params = root->find("params");
  if (params != nullptr && expect_map(params->value, "params", diagnostics))
    for (const Entry& entry : params->value.entries)
      recipe.params.push_back(parse_param(entry, diagnostics));
  if (const Entry* steps = root->find("steps")) recipe.steps = steps->value;
  check_references(recipe, diagnostics);
  if (diagnostics.size() > before) return std::nullopt;
  return recipe;
}

std::vector<Recipe> load_recipes(const std::string& folder, const Files& files,
                                 Diagnostics& diagnostics) {
  std::vector<Recipe> recipes;
  for (const std::string& file : files.list(folder)) {
    if (!file.ends_with(kSuffix)) continue;
    const std::string path = join_path(folder, file);
    const Result<std::string> text = files.read(path);
    if (!text) diagnostics.add({path, 0, 0}, text.error().message);
    if (!text) continue;
    auto recipe =
        parse_recipe(*text, path, file.substr(0, file.size() - kSuffix.size()), diagnostics);
    if (recipe) recipes.push_back(std::move(*recipe));
  }
  return recipes;
}

Library::Library(Files files, const std::string& scenario_folder) : files_(std::move(files)) {
  std::string folder = scenario_folder;
  for (int up = 0; up < kFoldersUpMax;) {
    folders_.push_back(join_path(folder, "loaders"));
    folders_.push_back(join_path(folder, "scenarios/loaders"));
    if (folder.empty() || folder == ".." || folder.ends_with("/..")) {
      folder = join_path(folder, "..");
      ++up;
    } else {
      const std::string parent = folder_of(folder);
      if (parent == folder) break;
      folder = parent;
    }
  }
}

const Recipe* Library::find(const std::string& name, const Where& where, Diagnostics& diagnostics) {
  auto known = recipes_.find(name);
  if (known != recipes_.end()) return known->second ? &*known->second : nullptr;
  auto& recipe = recipes_[name];
  const bool plain = name.find('/') == std::string::npos;
  for (size_t i = 0; plain && i < folders_.size(); ++i) {
    const std::string path = join_path(folders_[i], name + std::string(kSuffix));
    const Result<std::string> text = files_.read(path);
    if (!text) continue;
    sources_[path] = *text;
    recipe = parse_recipe(*text, path, name, diagnostics);
    return recipe ? &*recipe : nullptr;
  }
  diagnostics.add_unknown(where, "recipe", name, names());
  return nullptr;
}

std::vector<std::string> Library::names() const {
  std::set<std::string> found;
  for (const std::string& folder : folders_)
    for (const std::string& file : files_.list(folder))
      if (file.ends_with(kSuffix)) found.insert(file.substr(0, file.size() - kSuffix.size()));
  return {found.begin(), found.end()};
}

void expand_uses(std::vector<RawStep>& steps, Library& library, std::span<ArgumentSet> sets,
                 Diagnostics& diagnostics) {
  Expander(library, sets, diagnostics).expand(steps, 0);
}

}  // namespace loadproof::harness
