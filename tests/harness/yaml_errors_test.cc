#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(YamlErrors, SaysWhatIsNoYamlOrNotAllowed) {
  const std::vector<ErrorRow> rows = {
      {R"()",
       {"1:1: the file is empty"}},
      {R"(# nothing
)",
       {"1:1: the file is empty"}},
      {R"(about: [a
steps: x
)",
       {"2:6: this is no YAML: end of sequence flow not found"}},
      {"about:\n\t- x\n",
       {"2:2: this is no YAML: illegal block entry"}},
      {R"(about: a
about: b
model: ../models/tiny
steps: [barrier: {}]
)",
       {"2:1: duplicate key \"about\""}},
      {kHead + R"(steps:
  - barrier: &x {}
  - barrier: *x
)",
       {"4:14: anchors are not allowed: &x = write the text again, or use a recipe",
        "5:14: aliases are not allowed = write the text again, or use a recipe"}},
      {kHead + R"(steps:
  - barrier: !!map {}
)",
       {"4:14: tags are not allowed: \"tag:yaml.org,2002:map\""}},
      {kHead + R"(steps:
  - barrier: {}
---
b: c
)",
       {"5:1: a second document in one file"}},
      {kHead + R"(steps:
  - barrier: {on: 1}
)",
       {"4:15: the key \"on\" is a boolean in YAML 1.1 = put it in quotes, or choose another "
        "name"}},
      {kHead + R"(steps:
  - barrier: {}
variants: {5.3: {}}
)",
       {"5:11: variants has no variant",
        "5:12: the key \"5.3\" is a number = put it in quotes"}},
      {kHead + R"(steps:
  - barrier: {[a]: 1}
)",
       {"4:15: a key must be text, not a list"}},
      {R"(- a
)",
       {"1:1: a scenario must be a map, not a list"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
