#include "harness/schema.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/oracles/oracle.h"
#include "harness/reference.h"
#include "harness/scenario.h"
#include "sim/selector.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::string contents(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// With BLESS=1 the file is written anew instead; commit it only if you can say why it changed.
void expect_fresh(const std::string& path, const std::string& text) {
  if (std::getenv("BLESS") != nullptr) std::ofstream(path) << text;
  EXPECT_TRUE(contents(path) == text)
      << path << " is not what the tables say: run the same test again with BLESS=1";
}

// Every object of the schema that is no list of names: a $ref must lead to a definition.
void check_references(const Json& schema, const Json& root) {
  if (schema.is_object() && schema.contains("$ref") && schema["$ref"].is_string()) {
    const std::string path = schema["$ref"].get<std::string>();
    EXPECT_TRUE(root.contains(Json::json_pointer(path.substr(1)))) << path;
  }
  if (!schema.is_structured()) return;
  for (const auto& child : schema) check_references(child, root);
}

// A type must be a word or a list of words, `required` a list, `properties` an object.
void check_forms(const Json& schema) {
  if (!schema.is_object()) return;
  if (schema.contains("$schema") || schema.contains("additionalProperties")) {
    EXPECT_TRUE(schema["type"].is_string() || schema["type"].is_array()) << schema;
  }
  if (schema.contains("properties")) {
    EXPECT_TRUE(schema["properties"].is_object()) << schema;
    for (const auto& property : schema["properties"]) check_forms(property);
  }
  if (schema.contains("required")) {
    EXPECT_TRUE(schema["required"].is_array()) << schema;
  }
  for (const char* list : {"anyOf", "allOf"}) {
    if (!schema.contains(list)) continue;
    EXPECT_TRUE(schema[list].is_array()) << schema;
    for (const auto& member : schema[list]) {
      EXPECT_TRUE(member.is_object()) << schema;
      check_forms(member);
    }
  }
  if (schema.contains("items")) {
    EXPECT_TRUE(schema["items"].is_object()) << schema;
    check_forms(schema["items"]);
  }
  if (schema.contains("definitions"))
    for (const auto& definition : schema["definitions"]) check_forms(definition);
}

TEST(Schema, KnowsEveryKeyVerbParameterAndOracle) {
  const Json schema = Json::parse(scenario_schema_json());
  EXPECT_EQ(schema["$schema"], "http://json-schema.org/draft-07/schema#");
  EXPECT_EQ(schema["type"], "object");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"], Json({"about", "steps"}));
  for (const ScenarioKey& key : scenario_keys())
    EXPECT_TRUE(schema["properties"].contains(std::string(key.key))) << key.key;
  for (const VerbInfo& verb : verb_infos()) {
    const std::string name(verb.name);
    EXPECT_EQ(schema["definitions"]["step"]["properties"][name]["$ref"],
              "#/definitions/verb_" + name);
    const Json& arguments = schema["definitions"]["verb_" + name];
    EXPECT_EQ(arguments["additionalProperties"], false);
    EXPECT_THAT(arguments["description"].get<std::string>(), HasSubstr(std::string(verb.about)));
    for (const ParamInfo& param : verb.params) {
      const Json& property = arguments["properties"][std::string(param.name)];
      EXPECT_THAT(property["description"].get<std::string>(), HasSubstr(std::string(param.about)));
    }
  }
  for (const OracleInfo& oracle : oracles())
    EXPECT_TRUE(schema["definitions"]["rule"]["properties"].contains(std::string(oracle.name)));
  const std::string words = schema["definitions"]["tensors"]["description"];
  for (const SelectorWord& word : selector_words())
    EXPECT_THAT(words, HasSubstr(std::string(word.word) + ": "));
}

TEST(Schema, SaysWhatIsRequiredAndWhatMayBeChosen) {
  const Json definitions = Json::parse(scenario_schema_json())["definitions"];
  EXPECT_EQ(definitions["verb_alloc"]["required"], Json({"of", "as"}));
  EXPECT_EQ(definitions["verb_alloc"]["properties"]["as"]["enum"],
            Json({"meta", "empty", "zeros", "zeros_lazy"}));
  EXPECT_EQ(definitions["verb_barrier"]["type"], Json({"object", "null"}));
  EXPECT_EQ(definitions["step"]["maxProperties"], 1);
  EXPECT_EQ(definitions["tensor"]["required"], Json::array({"shape"}));
  EXPECT_EQ(definitions["expect"]["anyOf"].size(), 3u);
}

TEST(Schema, IsWellFormed) {
  for (const std::string& text : {scenario_schema_json(), recipe_schema_json()}) {
    const Json schema = Json::parse(text);
    check_references(schema, schema);
    check_forms(schema);
  }
}

TEST(Schema, OfARecipeTakesParametersInPlaceOfValues) {
  const Json schema = Json::parse(recipe_schema_json());
  EXPECT_EQ(schema["required"], Json({"recipe", "about", "steps"}));
  const Json& as = schema["definitions"]["verb_alloc"]["properties"]["as"];
  ASSERT_EQ(as["anyOf"].size(), 2u);
  EXPECT_EQ(as["anyOf"][1]["pattern"], "^\\$");
}

TEST(Schema, FilesAreFresh) {
  expect_fresh("scenarios/schema/scenario.json", scenario_schema_json());
  expect_fresh("scenarios/schema/recipe.json", recipe_schema_json());
}

TEST(Reference, NamesEverythingThatThereIs) {
  const Recipe recipe{"mine",
                      "Loads.",
                      {{"who", ParamType::kRanks, {}, scalar_node("local 0", {}), "readers", {}}},
                      {}};
  const std::string text = reference_markdown(std::span(&recipe, 1));
  EXPECT_TRUE(text.starts_with(kReferenceBegin));
  for (const ScenarioKey& key : scenario_keys()) EXPECT_THAT(text, HasSubstr(std::string(key.key)));
  for (const VerbInfo& verb : verb_infos()) {
    EXPECT_THAT(text, HasSubstr("### `" + std::string(verb.name) + "`"));
    EXPECT_THAT(text, HasSubstr("- " + std::string(verb.example)));
  }
  for (const OracleInfo& oracle : oracles())
    EXPECT_THAT(text, HasSubstr("| `" + std::string(oracle.name) + "` |"));
  EXPECT_THAT(text, HasSubstr("### `mine`\n\nLoads.\n"));
  EXPECT_THAT(text, HasSubstr("| `who` | ranks, `local 0` if left out | readers |"));
}

TEST(Reference, InTheReadmeIsFresh) {
  Diagnostics diagnostics;
  const auto recipes = load_recipes("scenarios/loaders", disk_files(), diagnostics);
  EXPECT_TRUE(diagnostics.empty()) << print(diagnostics.sorted(), {});
  const std::string path = "scenarios/README.md";
  const std::string readme = contents(path);
  expect_fresh(path, readme.substr(0, readme.find(kReferenceBegin)) + reference_markdown(recipes));
}

// The examples of the verb table are scenarios that parse.
TEST(Reference, ExamplesAreCorrect) {
  std::string text =
      "about: a\nmodel: m\nstores: {out: {empty: true}}\nsteps:\n  - mark: {of: all, flag: "
      "initialised}\n"
      "  - mark: {of: all, flag: flag}\n";
  for (const VerbInfo& verb : verb_infos()) text += "  - " + std::string(verb.example) + "\n";
  const Files files{.read = [&](const std::string& path) -> Result<std::string> {
                      if (path == "x.yaml") return text;
                      if (path == "m/config.json") return std::string("{}");
                      return fail("no such file");
                    },
                    .list = [](const std::string&) { return std::vector<std::string>(); }};
  const Parsed parsed = parse_scenario("x.yaml", files, {});
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
}

}  // namespace
}  // namespace loadproof::harness
