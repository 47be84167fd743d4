// loadproof schema: what editors and readers are told of the language, from its tables.
#include "harness/schema.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/reference.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Examples:
  loadproof schema > scenarios/schema/scenario.json
  loadproof schema --recipe > scenarios/schema/recipe.json
  loadproof schema --reference                  keys, verbs, selectors and oracles, as Markdown)";

// Recipes are those of scenarios/loaders below the working directory, where there are any.
int print_reference() {
  Diagnostics diagnostics;
  const std::vector<Recipe> recipes = load_recipes("scenarios/loaders", disk_files(), diagnostics);
  print_out("{}", reference_markdown(recipes));
  for (const Diagnostic& diagnostic : diagnostics.sorted())
    print_error("{}", print(diagnostic, {}));
  return diagnostics.empty() ? kAsExpected : kBadInput;
}

}  // namespace

void add_schema(CLI::App& program, int& exit_code) {
  struct Options {
    bool recipe = false;
    bool reference = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("schema", "Print the JSON Schema of scenarios (draft-07)");
  command->footer(kFooter);
  auto* recipe = command->add_flag("--recipe", options->recipe, "That of recipes instead");
  command->add_flag("--reference", options->reference, "The reference of the language instead")
      ->excludes(recipe);
  command->callback([options, &exit_code] {
    exit_code = kAsExpected;
    if (options->reference)
      exit_code = print_reference();
    else
      print_out("{}", options->recipe ? recipe_schema_json() : scenario_schema_json());
  });
}

}  // namespace loadproof::harness
