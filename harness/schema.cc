#include "harness/schema.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "harness/argument.h"
#include "harness/expectation.h"
#include "harness/oracles/oracle.h"
#include "harness/refusal.h"
#include "harness/scenario.h"
#include "harness/settings.h"
#include "harness/store_list.h"
#include "harness/tensor_list.h"
#include "sim/selector.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {
namespace {

using Json = nlohmann::ordered_json;

Json text_type(std::string_view about = {}) {
  Json type = {{"type", "string"}};
  if (!about.empty()) type["description"] = about;
  return type;
}

Json defined(std::string_view name) { return {{"$ref", fmt::format("#/definitions/{}", name)}}; }

Json choice(const std::vector<std::string>& values) { return {{"enum", values}}; }

Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

Json one_or_list(const Json& item) { return {{"anyOf", Json::array({item, list_of(item)})}}; }

Json described(Json type, std::string_view about) {
  // draft-07 ignores what stands beside a $ref.
  if (type.contains("$ref")) type = {{"allOf", Json::array({type})}};
  type["description"] = about;
  return type;
}

Json closed_object(Json properties) {
  return {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

std::vector<std::string> dtype_names() {
  std::vector<std::string> names;
  for (DType dtype : kAllDTypes) names.emplace_back(name(dtype));
  return names;
}

// `references`: in a recipe, `$p` may stand for any value.
class SchemaBuilder {
 public:
  explicit SchemaBuilder(bool references) : references_(references) {}

  Json definitions() const {
    Json all;
    all["ranks"] = {{"description",
                     "Which ranks: all, none, 0, 1..3, last, r>0, r%2==1, local 0, node 1, "
                     "with ! & | and parentheses; or a list"},
                    {"anyOf", Json::array({{{"type", {"integer", "string"}}},
                                           list_of({{"type", {"integer", "string"}}})})}};
    all["tensors"] = one_or_list(text_type());
    all["tensors"]["description"] = tensors_about();
    all["ints"] = list_of({{"type", "integer"}});
    if (references_) all["ints"] = with_reference(all["ints"]);
    all["dtype"] = choice(dtype_names());
    if (references_) all["dtype"] = with_reference(all["dtype"]);
    all["steps"] = list_of(defined("step"));
    all["step"] = step();
    for (const VerbInfo& verb : verb_infos())
      all[fmt::format("verb_{}", verb.name)] = arguments(verb);
    return all;
  }

 private:
  static std::string tensors_about() {
    std::string about = "Which tensors:";
    for (const SelectorWord& word : selector_words())
      about += fmt::format("\n{}: {}", word.word, word.about);
    return about +
           "\na flag that some mark sets, a name with * and ?, module(TYPE), stored(STORE), "
           "slices [2:4] [:50%] [-1], with ! & | and parentheses; or a list";
  }

  static Json with_reference(Json type) {
    return {{"anyOf", Json::array({std::move(type), {{"type", "string"}, {"pattern", "^\\$"}}})}};
  }

  Json type(const ParamInfo& param) const {
    Json plain;
    switch (param.type) {
      case ParamType::kBool:
        plain = {{"type", "boolean"}};
        break;
      case ParamType::kInt:
        plain = {{"type", "integer"}};
        if (param.least != std::numeric_limits<int64_t>::min()) plain["minimum"] = param.least;
        break;
      case ParamType::kNumber:
        plain = {{"type", "number"}};
        break;
      case ParamType::kSeconds:
        plain = {{"type", "number"}, {"minimum", 0}};
        break;
      case ParamType::kText:
      case ParamType::kGroup:
      case ParamType::kStore:
      case ParamType::kSlice:
        return {{"type", {"string", "number", "boolean"}}};
      case ParamType::kTexts:
        return one_or_list(text_type());
      case ParamType::kChoice:
        plain = choice(split_words(param.choices));
        break;
      case ParamType::kInts:
      case ParamType::kRanks:
      case ParamType::kTensors:
      case ParamType::kDType:
      case ParamType::kSteps:
        return defined(name(param.type));
    }
    return references_ ? with_reference(std::move(plain)) : plain;
  }

  Json arguments(const VerbInfo& verb) const {
    Json properties, required = Json::array();
    properties["id"] = text_type("The step's name, by which patches and reports call it");
    properties["ranks"] = described(defined("ranks"), "Who runs it; all if left out");
    properties["if"] = described(defined("tensors"),
                                 "A rank runs the step only if this means some tensor at that "
                                 "moment");
    if (verb.takes_of) {
      properties["of"] = described(defined("tensors"), "Which tensors");
      properties["when"] = described(defined("tensors"), "A further condition on each tensor");
    }
    if (verb.of_required) required.push_back("of");
    for (const ParamInfo& param : verb.params) {
      std::string about(param.about);
      if (!param.fallback.empty()) about += fmt::format(" (default: {})", param.fallback);
      properties[std::string(param.name)] = described(type(param), about);
      if (param.required) required.push_back(param.name);
    }
    Json schema = closed_object(std::move(properties));
    schema["type"] = required.empty() ? Json({"object", "null"}) : Json("object");
    schema["description"] = fmt::format("{}\n{}", verb.about, verb.example);
    if (!required.empty()) schema["required"] = required;
    return schema;
  }

  Json step() const {
    Json properties;
    for (const VerbInfo& verb : verb_infos())
      properties[std::string(verb.name)] = defined(fmt::format("verb_{}", verb.name));
    properties["use"] = {{"type", "object"},
                         {"description", "The steps of a recipe: its name, and its arguments"},
                         {"properties",
                          {{"recipe", text_type("A file loaders/NAME.yaml")},
                           {"id", text_type("A prefix of the ids of its steps")}}},
                         {"required", {"recipe"}}};
    Json step = closed_object(std::move(properties));
    step["minProperties"] = 1;
    step["maxProperties"] = 1;
    return step;
  }

  bool references_;
};

Json fail_schema() {
  Json properties;
  for (const FailKey& key : fail_keys()) {
    Json type = text_type();
    if (key.key == "ranks" || key.key == "of")
      type = defined(key.key == "of" ? "tensors" : "ranks");
    if (key.key == "state") type = choice(state_words());
    if (key.key == "fills") type = one_or_list(choice(fill_names()));
    if (key.key == "names" || key.key == "kind") type = one_or_list(text_type());
    if (key.key == "from_rank") type = {{"type", "integer"}, {"minimum", 0}};
    properties[std::string(key.key)] = described(type, key.about);
  }
  return closed_object(std::move(properties));
}

Json tokens_schema() {
  Json properties;
  for (const FailKey& key : tokens_keys()) {
    Json type = text_type();
    if (key.key == "are") type = list_of({{"type", "integer"}});
    if (key.key == "ranks") type = defined("ranks");
    if (key.key == "fills") type = one_or_list(choice(fill_names()));
    properties[std::string(key.key)] = described(type, key.about);
  }
  Json tokens = closed_object(std::move(properties));
  tokens["required"] = {"are"};
  return tokens;
}

Json expectations() {
  Json verdict = {{"anyOf", Json::array({choice({"pass", "fail", "free"}),
                                         closed_object({{"fail", defined("fail")}})})}};
  Json properties;
  properties["when"] = {{"type", "object"},
                        {"description", "The rule is for cases with these values of axes"}};
  for (const OracleInfo& oracle : oracles())
    properties[std::string(oracle.name)] = described(defined("verdict"), oracle.about);
  properties[std::string(kTokensKey)] =
      described(one_or_list(tokens_schema()), "The tokens that ranks must have drawn");
  Json all;
  all["fail"] = fail_schema();
  all["verdict"] = std::move(verdict);
  all["rule"] = closed_object(std::move(properties));
  all["expect"] = {
      {"anyOf", Json::array({choice({"pass"}), defined("rule"), list_of(defined("rule"))})}};
  return all;
}

Json patch_schema() {
  Json place = closed_object({{"before", text_type("a step's id")},
                              {"after", text_type("a step's id")},
                              {"at", choice({"start", "end"})}});
  Json insert = {{"type", "object"}, {"minProperties", 2}, {"maxProperties", 2}};
  insert["properties"] = place["properties"];
  for (const VerbInfo& verb : verb_infos())
    insert["properties"][std::string(verb.name)] = defined(fmt::format("verb_{}", verb.name));
  insert["properties"]["use"] = {{"type", "object"}};
  insert["additionalProperties"] = false;
  place["minProperties"] = 1;
  place["maxProperties"] = 1;
  Json patch = closed_object({
      {"about", text_type("in place of the scenario's")},
      {"set", {{"type", "object"}, {"description", "STEP_ID.ARGUMENT or a setting: value"}}},
      {"drop", described(one_or_list(text_type()), "Ids of steps to leave out")},
      {"insert",
       described(one_or_list(insert), "{before|after: ID, VERB: {…}} or {at: start|end, …}")},
      {"move", {{"type", "object"}, {"additionalProperties", place}}},
      {"swap", {{"type", "array"}, {"items", text_type()}, {"minItems", 2}, {"maxItems", 2}}},
      {"expect", defined("expect")},
  });
  patch["type"] = {"object", "null"};
  return patch;
}

Json tensor_schema() {
  Json properties;
  for (const TensorKey& key : tensor_keys()) {
    Json type = text_type();
    if (key.key == "shape") type = list_of({{"type", "integer"}, {"minimum", 0}});
    if (key.key == "dtype") type = defined("dtype");
    if (key.key == "kind") type = choice(tensor_kinds());
    if (key.key == "init") type = choice(tensor_inits());
    if (key.key == "value") type = {{"type", {"number", "string"}}};
    if (key.key == "tolerance") type = {{"type", "number"}, {"minimum", 0}};
    if (key.key == "from") type = choice({"file"});
    if (key.key == "ranks") type = defined("ranks");
    if (key.key == "shard") type = {{"type", "object"}};
    properties[std::string(key.key)] = described(type, key.about);
  }
  Json tensor = closed_object(std::move(properties));
  tensor["required"] = {"shape"};
  return tensor;
}

Json store_schema() {
  Json properties;
  for (const StoreKey& key : store_keys()) {
    Json type = text_type();
    if (key.key == "version") type = {{"type", "integer"}, {"minimum", 0}};
    if (key.key == "empty") type = {{"type", "boolean"}};
    if (key.key == "per") type = choice(store_copies());
    if (key.key == "dtype") type = defined("dtype");
    if (key.key == "files" || key.key == "stacked")
      type = {{"type", "object"}, {"additionalProperties", one_or_list(text_type())}};
    if (key.key == "index") type = {{"type", "object"}, {"additionalProperties", text_type()}};
    properties[std::string(key.key)] = described(type, key.about);
  }
  Json store = closed_object(std::move(properties));
  store["type"] = {"object", "null"};
  return store;
}

Json refusal_schema() {
  Json properties;
  for (const RefusalKey& key : refusal_keys()) {
    Json type = key.key == "names" ? one_or_list(text_type()) : text_type();
    if (key.key == "ranks") type = defined("ranks");
    properties[std::string(key.key)] = described(type, key.about);
  }
  Json refusal = closed_object(std::move(properties));
  refusal["type"] = {"object", "null"};
  return refusal;
}

// The settings below a key, each of this type.
Json group_schema(std::string_view prefix, const Json& type) {
  Json group = Json::object();
  for (const auto& [path, about] : setting_infos())
    if (path.starts_with(prefix))
      group[std::string(path.substr(prefix.size()))] = described(type, about);
  return closed_object(std::move(group));
}

Json extent() { return {{"type", "integer"}, {"minimum", 1}, {"maximum", kRanksMax}}; }

Json key_type(std::string_view key) {
  if (key == "world")
    return closed_object(
        {{"ranks", extent()},
         {"nodes", extent()},
         {"ranks_per_node", extent()},
         {"devices_per_node", extent()},
         {"mesh", {{"type", "object"}, {"additionalProperties", extent()}}},
         {"roles", {{"type", "object"}, {"additionalProperties", defined("ranks")}}},
         {"groups", {{"type", "object"}, {"additionalProperties", defined("ranks")}}}});
  if (key == "dtype") return {{"anyOf", Json::array({defined("dtype"), choice({"auto"})})}};
  if (key == "fill") {
    auto fills = fill_names();
    fills.push_back("all");
    return choice(fills);
  }
  if (key == "budget") return group_schema("budget.", {{"type", {"integer", "string"}}});
  if (key == "limits") return group_schema("limits.", {{"type", "integer"}, {"minimum", 0}});
  if (key == "links") return group_schema("links.", {{"type", "string"}});
  if (key == kRefuse) return refusal_schema();
  if (key == "dry") return {{"type", "boolean"}};
  if (key == "seed" || key == "schedule") return {{"type", "integer"}, {"minimum", 0}};
  if (key == "attention") return choice(attention_names());
  if (key == "backend" || key == "device")
    return choice(key == "backend" ? backend_names() : device_names());
  if (key == "tensors") return {{"type", "object"}, {"additionalProperties", defined("tensor")}};
  if (key == "stores") return {{"type", "object"}, {"additionalProperties", defined("store")}};
  if (key == "source") return defined("steps");
  if (key == "steps" || key == "expect") return defined(key);
  if (key == "variants") return {{"type", "object"}, {"additionalProperties", defined("patch")}};
  if (key == "sweep")
    return {
        {"type", "object"}, {"additionalProperties",
         {{"anyOf", Json::array({{{"type", "array"}, {"minItems", 1}},
                                 {{"type", "object"}, {"additionalProperties", defined("patch")}},
                                 choice({"all"})})}}}};
  return text_type();
}

std::string finish(const Json& schema) { return schema.dump(2) + "\n"; }

}  // namespace

std::string scenario_schema_json() {
  Json schema;
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = "A scenario of loadproof";
  Json properties;
  for (const ScenarioKey& key : scenario_keys())
    properties[std::string(key.key)] = described(key_type(key.key), key.about);
  schema.update(closed_object(std::move(properties)));
  schema["required"] = {"about", "steps"};
  schema["definitions"] = SchemaBuilder(/*references=*/false).definitions();
  schema["definitions"].update(expectations());
  schema["definitions"]["patch"] = patch_schema();
  schema["definitions"]["tensor"] = tensor_schema();
  schema["definitions"]["store"] = store_schema();
  return finish(schema);
}

std::string recipe_schema_json() {
  Json schema;
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = "A recipe of loadproof";
  Json types = Json::array();
  for (ParamType type : {ParamType::kRanks, ParamType::kTensors, ParamType::kText, ParamType::kInt,
                         ParamType::kNumber, ParamType::kBool, ParamType::kChoice, ParamType::kInts,
                         ParamType::kTexts, ParamType::kDType, ParamType::kGroup,
                         ParamType::kStore, ParamType::kSeconds, ParamType::kSlice})
    types.push_back(name(type));
  Json param = closed_object({{"type", {{"enum", types}}},
                              {"choices", list_of(text_type())},
                              {"default", {{"description", "left out: the argument is required"}}},
                              {"about", text_type()}});
  param["required"] = {"type"};
  schema.update(
      closed_object({{"recipe", text_type("The file's name without .yaml")},
                     {"about", text_type("One sentence")},
                     {"params",
                      {{"type", "object"},
                       {"description", "Steps use a parameter p as $p, or as ${p} inside a text"},
                       {"additionalProperties", param}}},
                     {"steps", defined("steps")}}));
  schema["required"] = {"recipe", "about", "steps"};
  schema["definitions"] = SchemaBuilder(/*references=*/true).definitions();
  return finish(schema);
}

}  // namespace loadproof::harness
