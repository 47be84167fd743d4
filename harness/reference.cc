#include "harness/reference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "harness/expectation.h"
#include "harness/oracles/oracle.h"
#include "harness/refusal.h"
#include "harness/scenario.h"
#include "harness/settings.h"
#include "harness/store_list.h"
#include "harness/tensor_list.h"
#include "sim/memory/fill.h"
#include "sim/selector.h"
#include "sim/steps/verb_info.h"

namespace loadproof::harness {
namespace {

constexpr std::string_view kSteps = R"(
A step is a map with one key, its verb. Every verb takes `id` (its name for patches and
reports), `ranks` (who runs it; all if left out) and `if` (a selector: a rank runs the step only if
it means some tensor there at that moment, any tensor). Verbs over tensors take `of` (which) and
`when` (a further condition, looked at for each tensor as the step runs). All tensors start on meta.
A step is about nothing, which `no_vacuous` tells, if `of` means no tensor; it may be that `when`
leaves none, or that the rank is declared not to have those that `of` means.
)";

constexpr std::string_view kRankSets = R"(
| text | ranks |
| --- | --- |
| `all` `none` | everybody, nobody |
| `0` `1..3` `last` `1..last` | by number, both ends included |
| `local 0` `node 1` `node 1..2` | by rank within the node, by node |
| `r>0` `r%2==1` `local!=last` `node<=1` | by comparison: `==` `!=` `<` `<=` `>` `>=` |
| `shard 0` `replicate>0` | by coordinate in a dimension of the mesh |
| `trainer` | the ranks of a role or a group of `world` |
| `!0` `(r>0) & local 0` `0 \| 2` | not, and, or; `!` binds closest, then `&` |
| `[0, 2]` | a list: any of them |
)";

constexpr std::string_view kSelectors = R"(| `model.layers.*.weight` | names; `*` any run, `?` one |
| `module(*RMSNorm)` | by the type of the module that owns it |
| `equal(x)` | bit-equal, in dtype and shape too, to the tensor x as it is now |
| `stored(cache)` | that a store has at this moment under their own names, as the rank sees it |
| `initialised` | a flag that some `mark`, or `read` with `mark`, sets |
| `!x` `x & y` `x \| y` `(x)` `[x, y]` | not, and, or, a list: any of them |
| `param[2:4]` `param[:50%]` `param[-1]` | a slice in declared order |

A state word holds when any byte of the tensor is in that state at the end of its chain;
`received` and `derived` look at the last event. A word that is none of these must be a name with a
dot, or one that `tensors` declares.
)";

constexpr std::string_view kAxes = R"(
`sweep: {FIELD: [values]}` makes one case for each value, and several axes their product. A field is
a setting or `STEP_ID.ARGUMENT`. `sweep: {NAME: {OPTION: PATCH, …}}` is an axis of patches;
`variants` is the same with the name `variant`, and comes first. A case's id is the path and
`/axis=value` for each axis.

| in a patch | does |
| --- | --- |
| `set: {hold.as: zeros, world.ranks: 4}` | sets arguments and settings; `null` takes one away |
| `set: {tensors.w.shard.dim: 1, stores.out.version: 2}` | sets keys of declarations |
| `set: {refuse.at: load}` `set: {refuse: null}` | sets keys of `refuse`, or takes it away |
| `drop: [premark]` | leaves steps out |
| `insert: {before: generate, broadcast: {of: param}}` | adds a step, or a list of such |
| `move: {sync: {after: init}}` | puts a step elsewhere |
| `swap: [read, mark]` | lets two steps change places |
| `expect: …` `about: …` | stands in place of the scenario's |

Places are `before: ID`, `after: ID`, `at: start` and `at: end`. A step of a recipe used with an id
is `ID.INNER`; arguments of the `use` itself are set before the recipe is expanded. Dropping or
moving the id of a `use` takes the whole recipe.
)";

constexpr std::string_view kExpectations = R"(
`expect: pass`, or a map from oracles to `pass`, `fail`, `free` or `{fail: {…}}`, or a list of such
maps with `when: {axis: value or [values]}`, of which the first that the case meets applies.
**Oracles that are not named must pass.** A variant's `expect` stands in place of the scenario's.
)";

constexpr std::string_view kRefusals = R"(
Where the input of a step is bad, `refuse: {at: STEP, names: [w.2]}` says that the loader must refuse
it there. clear_error fails on ranks that raise nothing at that step (`silent`), or an error that
does not contain all names (`vague`); no_error passes over errors that do. Who refuses ends there,
as whoever raises does, and the oracles of values do not judge it.
)";

constexpr std::string_view kRecipes = R"(
`- use: {recipe: NAME, id: load, PARAM: value}` stands for the steps of `loaders/NAME.yaml`, in
which `$p` and, inside a longer text, `${p}` are the arguments.
)";

void heading(std::string& text, std::string_view title) { text += fmt::format("\n## {}\n", title); }

// A bar would end the cell, also inside code.
std::string cell(std::string_view text) {
  std::string escaped;
  for (char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

void table_head(std::string& text, std::string_view left, std::string_view right) {
  text += fmt::format("\n| {} | {} |\n| --- | --- |\n", left, right);
}

void row(std::string& text, std::string_view key, std::string_view about) {
  text += fmt::format("| `{}` | {} |\n", cell(key), cell(about));
}

std::string param_note(ParamType type, std::span<const std::string> choices, bool required,
                       std::string_view fallback) {
  std::string note =
      choices.empty() ? std::string(name(type)) : fmt::format("`{}`", fmt::join(choices, "` `"));
  if (required) return note + ", required";
  return fallback.empty() ? note : fmt::format("{}, `{}` if left out", note, fallback);
}

void verbs(std::string& text) {
  heading(text, "Steps");
  text += kSteps;
  for (const VerbInfo& verb : verb_infos()) {
    text += fmt::format("\n### `{}`\n\n{}{}\n\n```yaml\n- {}\n```\n", verb.name, verb.about,
                        verb.collective ? " Collective: all members of the group must come." : "",
                        verb.example);
    if (verb.params.empty()) continue;
    text += "\n| argument | | |\n| --- | --- | --- |\n";
    for (const ParamInfo& param : verb.params)
      text += fmt::format(
          "| `{}` | {} | {} |\n", param.name,
          cell(param_note(param.type, split_words(param.choices), param.required, param.fallback)),
          cell(param.about));
  }
}

void keys_and_settings(std::string& text) {
  heading(text, "Keys of a scenario");
  table_head(text, "key", "");
  for (const ScenarioKey& key : scenario_keys()) row(text, key.key, key.about);
  text += "\nSettings, as sweeps and patches call them:\n";
  table_head(text, "setting", "");
  for (const SettingInfo& setting : setting_infos()) row(text, setting.path, setting.about);
  text += "\nOf a tensor under `tensors` (names may hold `{0..7}` and `{a,b}`):\n";
  table_head(text, "key", "");
  for (const TensorKey& key : tensor_keys()) row(text, key.key, key.about);
  text += "\nOf a store under `stores`:\n";
  table_head(text, "key", "");
  for (const StoreKey& key : store_keys()) row(text, key.key, key.about);
  heading(text, "Fills");
  table_head(text, "fill", "");
  for (const sim::FillInfo& fill : sim::fills()) row(text, fill.name, fill.about);
}

void recipe(std::string& text, const Recipe& recipe) {
  text += fmt::format("\n### `{}`\n\n{}\n", recipe.name, recipe.about);
  if (recipe.params.empty()) return;
  text += "\n| argument | | |\n| --- | --- | --- |\n";
  for (const RecipeParam& param : recipe.params) {
    const std::string fallback = param.fallback ? short_text(*param.fallback) : "";
    text += fmt::format("| `{}` | {} | {} |\n", param.name,
                        cell(param_note(param.type, param.choices, !param.fallback, fallback)),
                        cell(param.about));
  }
}

}  // namespace

std::string reference_markdown(std::span<const Recipe> recipes) {
  std::string text = fmt::format("{}\n", kReferenceBegin);
  keys_and_settings(text);
  verbs(text);
  heading(text, "Rank sets");
  text += kRankSets;
  heading(text, "Selectors");
  table_head(text, "text", "tensors");
  for (const SelectorWord& word : selector_words()) row(text, word.word, word.about);
  text += kSelectors;
  heading(text, "Axes and patches");
  text += kAxes;
  heading(text, "Oracles and expectations");
  text += kExpectations;
  table_head(text, "oracle", "");
  for (const OracleInfo& oracle : oracles()) row(text, oracle.name, oracle.about);
  table_head(text, "in `fail`", "");
  for (const FailKey& key : fail_keys()) row(text, key.key, key.about);
  table_head(text, "oracle", "its words for `kind`");
  for (const OracleInfo& oracle : oracles())
    text +=
        fmt::format("| `{}` | `{}` |\n", oracle.name, fmt::join(split_words(oracle.kinds), "` `"));
  text += kRefusals;
  table_head(text, "in `refuse`", "");
  for (const RefusalKey& key : refusal_keys()) row(text, key.key, key.about);
  text += "\n`tokens` stands beside the oracles: one map, or a list of them.\n";
  table_head(text, "in `tokens`", "");
  for (const FailKey& key : tokens_keys()) row(text, key.key, key.about);
  heading(text, "Recipes");
  text += kRecipes;
  for (const Recipe& one : recipes) recipe(text, one);
  return text;
}

}  // namespace loadproof::harness
