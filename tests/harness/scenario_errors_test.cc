#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(ScenarioErrors, SaysWhichKeyOrSettingIsWrong) {
  const std::vector<ErrorRow> rows = {
      {kHead + R"(stpes: []
)",
       {"1:1: a scenario needs steps",
        "3:1: unknown key of the scenario \"stpes\" = did you mean \"steps\"?"}},
      {R"(seed: 7
)",
       {"1:1: a scenario needs a model, or tensors",
        "1:1: a scenario needs steps",
        "1:1: a scenario needs the key \"about\" = one sentence: what goes wrong, or what must "
        "go right"}},
      {kHead + R"(world: {ranks: 0}
steps: [barrier: {}]
)",
       {"3:16: world.ranks must be between 1 and 16384, not 0"}},
      {kHead + R"(world: {ranks: 2, nodes: 1}
steps: [barrier: {}]
)",
       {"3:9: a world has either ranks or nodes and ranks_per_node"}},
      {kHead + R"(world: {rank: 2}
steps: [barrier: {}]
)",
       {"3:9: unknown key of world \"rank\" = did you mean \"ranks\"?"}},
      {kHead + R"(world: {nodes: 200, ranks_per_node: 200}
steps: [barrier: {}]
)",
       {"3:37: 200 nodes of 200 ranks are more than 16384 ranks"}},
      {kHead + R"(world: {ranks: "2"}
steps: [barrier: {}]
)",
       {"3:16: world.ranks must be a whole number, not \"2\" = take the quotes away"}},
      {kHead + R"(world: {}
steps: [barrier: {}]
)",
       {"3:8: a world needs ranks, or nodes and ranks_per_node, or a mesh"}},
      {kHead + R"(world: 2
steps: [barrier: {}]
)",
       {"3:8: world must be a map, not \"2\""}},
      {kHead + R"(dtype: float
steps: [barrier: {}]
)",
       {"3:8: dtype cannot be \"float\" = did you mean \"float16\", \"float32\" or \"float64\"?"}},
      {kHead + R"(fill: zeroes
steps: [barrier: {}]
)",
       {"3:7: fill cannot be \"zeroes\" = did you mean \"zeros\"?"}},
      {kHead + R"(seed: -1
steps: [barrier: {}]
)",
       {"3:7: seed must be at least 0, not -1"}},
      {kHead + R"(attention: flash
steps: [barrier: {}]
)",
       {"3:12: attention cannot be \"flash\" = one of: sdpa, eager"}},
      {kHead + R"(backend: glo
steps: [barrier: {}]
)",
       {"3:10: backend cannot be \"glo\" = did you mean \"gloo\"?"}},
      {R"(about: a
model: ../models/tny
steps: [barrier: {}]
)",
       {"2:8: there is no scenarios/models/tny/config.json = did you mean \"tiny\"?"}},
      {R"(about: a
tensors: {w: {shape: [2]}}
steps: [sample: {}]
)",
       {"3:9: sample needs a model, and this scenario has none = or `of`, tensors that are "
        "logits"}},
      {R"(about: a
steps: [barrier: {}]
tensors: {w: {shap: [2]}}
)",
       {"3:11: tensor w needs a shape",
        "3:15: unknown key of a tensor \"shap\" = did you mean \"shape\"?"}},
      {R"(about: a
steps: [barrier: {}]
tensors: {w: {shape: [2, -1], dtype: bf16, kind: parameter, init: one, tie: v}}
)",
       {"3:11: unknown tensor to tie to \"v\" = one of: w",
        "3:22: an extent of the shape is negative",
        "3:38: dtype cannot be \"bf16\" = one of: bool, uint8, int8, int16, int32, int64, "
        "float8_e4m3fn, float8_e5m2, float16, bfloat16, float32, float64",
        "3:50: kind cannot be \"parameter\" = did you mean \"param\"?",
        "3:67: init cannot be \"one\" = did you mean \"none\" or \"ones\"?"}},
      {R"(about: a
steps: [barrier: {}]
tensors:
  w: {shape: [x], init: value}
  v: {shape: 3, init: ones, value: 2}
  u: {shape: [], value: two}
)",
       {"4:15: each of shape must be a whole number, not \"x\"",
        "4:19: init: value needs the key \"value\"",
        "5:14: shape must be a list of whole numbers, not \"3\"",
        "5:29: \"value\" belongs to init: value",
        "6:25: value cannot be \"two\": a value is a number, rope(theta, head_dim), "
        "linspace(first, last), arange(first, step) or a list of numbers"}},
      {R"(about: a
steps: [barrier: {}]
tensors:
  w.{0..1}: {shape: [2]}
  w.1: {shape: [2]}
  "w.{3..1}": {shape: [2]}
  "a b": {shape: [1]}
  s: {shape: [1], tie: s}
)",
       {"5:3: two tensors are called \"w.1\"",
        "6:3: \"w.{3..1}\" is no name of tensors = such as w, w.{0..7} or w.{a,b}",
        "7:3: \"a b\" is no name of a tensor = letters, digits, and the characters _ . - /",
        "8:3: \"s\" is tied to itself"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
