#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(RecipeErrors, SaysWhatIsWrongInTheRightFile) {
  const std::vector<ErrorRow> rows = {
      {kHead + R"(steps:
  - use: {recipe: q}
)",
       {"4:19: unknown recipe \"q\" = one of: r"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: $who}
)"},
      {kHead + R"(steps:
  - use: {id: x}
  - use: {recipe: }
)",
       {"4:5: a use needs the argument \"recipe\"",
        "5:11: recipe must be text, not nothing"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: $who}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, whom: 0}
)",
       {"4:5: r needs the argument \"who\"",
        "4:22: unknown argument of r \"whom\" = did you mean \"who\"?"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: $who}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, who: x}
)",
       {"4:27: ranks: the world has no role \"x\" = such as 0, 1..3, last, r>0, local 0 or "
        "node 1; roles and mesh dimensions are those of `world`"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: $who}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, id: load, who: 0}
)",
       {"scenarios/loaders/r.yaml:4:3: parameter \"who\" is not used = a step uses it as $who"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: 0}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, id: load, who: 0}
)",
       {"scenarios/loaders/r.yaml:4:3: parameter \"who\" is not used = a step uses it as $who",
        "scenarios/loaders/r.yaml:6:25: unknown parameter \"whom\" = did you mean \"who\"?"},
       R"yaml(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: "!(${whom})"}
)yaml"},
      {kHead + R"(steps:
  - use: {recipe: r, id: load, who: 0}
)",
       {"scenarios/loaders/r.yaml:1:9: the recipe in scenarios/loaders/r.yaml must be called "
        "\"r\""},
       R"(recipe: s
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: $who}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, id: load, who: 0}
)",
       {"scenarios/loaders/r.yaml:1:1: a recipe needs the key \"about\"",
        "scenarios/loaders/r.yaml:2:1: unknown key of the recipe \"abuot\" = did you mean "
        "\"about\"?",
        "scenarios/loaders/r.yaml:4:3: parameter \"a\" is not used = a step uses it as $a",
        "scenarios/loaders/r.yaml:4:13: type cannot be \"rank\" = did you mean \"ranks\"?",
        "scenarios/loaders/r.yaml:5:3: parameter \"b\" is not used = a step uses it as $b",
        "scenarios/loaders/r.yaml:5:3: parameter b needs a type",
        "scenarios/loaders/r.yaml:6:3: parameter \"c\" is not used = a step uses it as $c",
        "scenarios/loaders/r.yaml:6:3: parameter c needs choices",
        "scenarios/loaders/r.yaml:7:3: parameter \"d\" is not used = a step uses it as $d",
        "scenarios/loaders/r.yaml:7:18: only a parameter of type choice has choices",
        "scenarios/loaders/r.yaml:7:41: default must be a whole number, not \"x\"",
        "scenarios/loaders/r.yaml:8:3: \"id\" cannot be a parameter",
        "scenarios/loaders/r.yaml:8:3: parameter \"id\" is not used = a step uses it as $id"},
       R"(recipe: r
abuot: x
params:
  a: {type: rank}
  b: {}
  c: {type: choice}
  d: {type: int, choices: [a], default: x}
  id: {type: int}
steps: []
)"},
      {kHead + R"(steps:
  - use: {recipe: r, id: load, who: 0}
)",
       {"scenarios/loaders/r.yaml:7:5: unknown verb \"brrier\" = did you mean \"barrier\"?"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: $who}
  - brrier: {}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, how: zerros}
)",
       {"scenarios/loaders/r.yaml:7:17: of: unknown word \"zerros\" = a name of the model has a "
        "dot; a flag is set by some `mark`",
        "4:27: as cannot be \"zerros\" = did you mean \"zeros\"?"},
       R"(recipe: r
about: x
params:
  how: {type: text}
steps:
  - alloc: {of: all, as: $how}
  - alloc: {of: "file & ${how}", as: meta}
)"},
      {kHead + R"(steps:
  - use: {recipe: r}
)",
       {"scenarios/loaders/r.yaml:4:5: recipes use each other more than 8 deep"},
       R"(recipe: r
about: x
steps:
  - use: {recipe: r}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, who: 0}
  - use: {recipe: r, who: 1}
)",
       {"scenarios/loaders/r.yaml:6:19: the id \"meet\" is used twice = first at "
        "scenarios/loaders/r.yaml:6; give each use of a recipe an id"},
       R"(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {id: meet, ranks: $who}
)"},
      {kHead + R"(steps:
  - use: {recipe: r, who: [0, 1]}
)",
       {"scenarios/loaders/r.yaml:6:22: ranks: expected a term before `)`",
        "4:27: who goes into a text and must be a text, not a list"},
       R"yaml(recipe: r
about: x
params:
  who: {type: ranks}
steps:
  - barrier: {ranks: "!(${who})"}
)yaml"},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
