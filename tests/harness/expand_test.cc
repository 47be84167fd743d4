#include "harness/expand.h"

#include <gmock/gmock.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;

std::vector<Case> cases_of(const std::string& text, const Overrides& overrides = {},
                           std::map<std::string, std::string> others = {}) {
  const Parsed parsed = parse_text(text, std::move(others));
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  if (!parsed.scenario) return {};
  Expanded expanded = expand(*parsed.scenario, overrides);
  EXPECT_TRUE(expanded.diagnostics.empty()) << print(expanded.diagnostics, parsed.sources);
  return std::move(expanded.cases);
}

std::vector<std::string> ids(const std::vector<Case>& cases) {
  std::vector<std::string> list;
  for (const Case& one : cases)
    list.push_back(one.id.substr(std::string("scenarios/t/x.yaml").size()));
  return list;
}

// "id:verb" of every step, depth first.
std::vector<std::string> steps(const Case& one) {
  std::vector<std::string> list;
  for (const Step* step : flat_steps(one.program)) list.push_back(step->id + ":" + step->verb);
  return list;
}

const std::string kThree = kHead + R"(steps:
  - alloc: {id: a, of: all, as: meta}
  - each: {id: b, of: all, do: [{barrier: {id: inner}}]}
  - barrier: {id: c}
)";

TEST(Expand, MakesTheProductOfItsAxesWithTheVariantFirst) {
  const auto cases = cases_of(kThree + R"(sweep:
  dtype: [auto, float32]
  kind: {x: {drop: a}, y: {}}
variants: {v: {}, w: {drop: [c]}}
)");
  EXPECT_THAT(ids(cases),
              ElementsAre("/variant=v/dtype=auto/kind=x", "/variant=v/dtype=auto/kind=y",
                          "/variant=v/dtype=float32/kind=x", "/variant=v/dtype=float32/kind=y",
                          "/variant=w/dtype=auto/kind=x", "/variant=w/dtype=auto/kind=y",
                          "/variant=w/dtype=float32/kind=x", "/variant=w/dtype=float32/kind=y"));
  ASSERT_EQ(cases.size(), 8u);
  EXPECT_EQ(cases[0].dtype, std::nullopt);
  EXPECT_EQ(cases[2].dtype, DType::kFloat32);
  EXPECT_THAT(steps(cases[0]), ElementsAre("b:each", "inner:barrier", "c:barrier"));
  EXPECT_THAT(steps(cases[7]), ElementsAre("a:alloc", "b:each", "inner:barrier"));
}

TEST(Expand, SetsEveryField) {
  const auto cases = cases_of(kThree + R"(sweep:
  all:
    one: {set: {world.nodes: 2, world.ranks_per_node: 3, fill: zeros, seed: 9, backend: sim,
                attention: eager, dtype: float16, a.as: empty, a.of: [w.x, "v.*"]}}
)");
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].topology, (Topology{.nodes = 2, .ranks_per_node = 3}));
  EXPECT_EQ(cases[0].fill, "zeros");
  EXPECT_EQ(cases[0].seed, 9u);
  EXPECT_EQ(cases[0].backend, "sim");
  EXPECT_EQ(cases[0].attention, "eager");
  EXPECT_EQ(cases[0].dtype, DType::kFloat16);
  EXPECT_EQ(arg<std::string>(cases[0].program.steps[0], "as"), "empty");
  EXPECT_EQ(cases[0].program.steps[0].of.text(), "w.x | v.*");
}

TEST(Expand, ShowsAModelByTheEndOfItsPath) {
  const auto cases =
      cases_of("about: a\nsteps: [barrier: {}]\nsweep: {model: [../models/tiny/]}\n");
  EXPECT_THAT(ids(cases), ElementsAre("/model=tiny"));
  EXPECT_EQ(cases[0].model, "scenarios/models/tiny");
}

TEST(Expand, AllFillsAreAnAxis) {
  EXPECT_EQ(cases_of(kThree + "fill: all\n").size(), fill_names().size());
  const auto cases = cases_of(kThree + "sweep: {fill: all, seed: [1, 2]}\n");
  EXPECT_EQ(cases.size(), 2 * fill_names().size());
  EXPECT_EQ(cases[0].fill, "nan");
  EXPECT_EQ(ids(cases)[1], "/fill=nan/seed=2");
}

TEST(Patch, DropsInsertsMovesAndSwaps) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> rows = {
      {"{drop: a}", {"b:each", "inner:barrier", "c:barrier"}},
      {"{drop: [inner, c]}", {"a:alloc", "b:each"}},
      {"{insert: {before: c, barrier: {id: n}}}",
       {"a:alloc", "b:each", "inner:barrier", "n:barrier", "c:barrier"}},
      {"{insert: {after: inner, barrier: {id: n}}}",
       {"a:alloc", "b:each", "inner:barrier", "n:barrier", "c:barrier"}},
      {"{insert: [{at: start, barrier: {id: n}}, {at: end, barrier: {id: m}}]}",
       {"n:barrier", "a:alloc", "b:each", "inner:barrier", "c:barrier", "m:barrier"}},
      {"{move: {c: {before: a}}}", {"c:barrier", "a:alloc", "b:each", "inner:barrier"}},
      {"{move: {inner: {at: start}}}", {"inner:barrier", "a:alloc", "b:each", "c:barrier"}},
      {"{move: {a: {after: inner}}}", {"b:each", "inner:barrier", "a:alloc", "c:barrier"}},
      {"{move: {a: {after: c}}}", {"b:each", "inner:barrier", "c:barrier", "a:alloc"}},
      {"{swap: [a, c]}", {"c:barrier", "b:each", "inner:barrier", "a:alloc"}},
      {"{swap: [a, inner]}", {"inner:barrier", "b:each", "a:alloc", "c:barrier"}},
      {"{drop: a, insert: {at: start, barrier: {id: a}}}",
       {"a:barrier", "b:each", "inner:barrier", "c:barrier"}},
      {"{set: {b.do: [observe: {id: o}]}}", {"a:alloc", "b:each", "o:observe", "c:barrier"}},
      {"~", {"a:alloc", "b:each", "inner:barrier", "c:barrier"}},
  };
  for (const auto& [patch, expected] : rows) {
    const auto cases = cases_of(kThree + "variants: {v: " + patch + "}\n");
    ASSERT_EQ(cases.size(), 1u) << patch;
    EXPECT_EQ(steps(cases[0]), expected) << patch;
  }
}

TEST(Patch, WhoseSumIsWrongIsFoundWhenCasesAreMade) {
  const Parsed parsed = parse_text(kThree + R"(sweep:
  x: {keep: {}, drop: {drop: [a]}}
  y: {keep: {}, set: {set: {a.as: empty}}}
)");
  ASSERT_TRUE(parsed.scenario);
  const Expanded expanded = expand(*parsed.scenario);
  EXPECT_TRUE(expanded.cases.empty());
  ASSERT_EQ(expanded.diagnostics.size(), 1u);
  EXPECT_EQ(expanded.diagnostics[0].message, "unknown step id \"a\"");
}

const std::map<std::string, std::string> kRecipes = {
    {"loaders/outer.yaml", R"yaml(recipe: outer
about: Reads on some ranks
params:
  readers: {type: ranks, default: "0"}
  hold: {type: choice, choices: [empty, zeros], default: empty}
  dtype: {type: dtype, default: null}
steps:
  - read: {id: read, of: file, ranks: $readers}
  - alloc: {id: hold, of: all, ranks: "!(${readers})", as: $hold, dtype: $dtype}
  - use: {recipe: inner, id: sync}
)yaml"},
    {"scenarios/loaders/inner.yaml", R"(recipe: inner
about: Sends
steps:
  - broadcast: {id: send, of: param}
  - barrier: {}
)"}};

TEST(Recipe, StandsForItsStepsWithArgumentsAndPrefixes) {
  const auto cases =
      cases_of(kHead + "steps:\n  - use: {recipe: outer, id: load, readers: r<2}\n", {}, kRecipes);
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_THAT(steps(cases[0]), ElementsAre("load.read:read", "load.hold:alloc",
                                           "load.sync.send:broadcast", "barrier@5:barrier"));
  const auto& program = cases[0].program.steps;
  EXPECT_EQ(program[0].ranks.text(), "r<2");
  EXPECT_EQ(program[1].ranks.text(), "!(r<2)");
  EXPECT_EQ(arg<std::string>(program[1], "as"), "empty");
  EXPECT_EQ(optional_arg<std::string>(program[1], "dtype"), nullptr);
  EXPECT_EQ(program[0].where, (Where{"loaders/outer.yaml", 8, 5}));
}

TEST(Recipe, IsPatchedOutsideAndInside) {
  const auto cases = cases_of(kHead + R"(world: {ranks: 2}
steps:
  - use: {recipe: outer, id: load}
  - sample: {id: s}
variants:
  set_argument: {set: {load.hold: zeros, load.dtype: float16}}
  set_inside: {set: {load.hold.as: zeros, load.sync.send.src: 1}}
  drop_all: {drop: [load]}
  drop_inner: {drop: [load.sync]}
  move_all: {move: {load: {after: s}}}
  twice: {insert: {before: s, use: {recipe: inner, id: again}}}
  other: {set: {load.recipe: inner}}
  inserted: {insert: {at: end, use: {recipe: outer, id: late}}, set: {late.hold: zeros}}
)",
                              {}, kRecipes);
  ASSERT_EQ(cases.size(), 8u);
  EXPECT_EQ(arg<std::string>(cases[0].program.steps[1], "as"), "zeros");
  EXPECT_EQ(arg<std::string>(cases[0].program.steps[1], "dtype"), "float16");
  EXPECT_EQ(arg<std::string>(cases[1].program.steps[1], "as"), "zeros");
  EXPECT_EQ(arg<int64_t>(cases[1].program.steps[2], "src"), 1);
  EXPECT_THAT(steps(cases[2]), ElementsAre("s:sample"));
  EXPECT_THAT(steps(cases[3]), ElementsAre("load.read:read", "load.hold:alloc", "s:sample"));
  EXPECT_EQ(steps(cases[4])[0], "s:sample");
  EXPECT_EQ(steps(cases[4]).size(), 5u);
  EXPECT_THAT(
      steps(cases[5]),
      ElementsAre("load.read:read", "load.hold:alloc", "load.sync.send:broadcast",
                  "barrier@5:barrier", "again.send:broadcast", "barrier@5#2:barrier", "s:sample"));
  EXPECT_THAT(steps(cases[6]), ElementsAre("load.send:broadcast", "barrier@5:barrier", "s:sample"));
  EXPECT_EQ(arg<std::string>(cases[7].program.steps[6], "as"), "zeros");
}

TEST(Recipe, MaySetTheFlagThatASelectorOutsideNames) {
  const auto cases = cases_of(kHead + R"(steps:
  - mark: {id: m, of: all, flag: ready}
  - alloc: {of: "!ready", as: empty}
variants: {with: {}, without: {drop: [m]}}
)");
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[1].program.steps[0].of.nodes()[0].op, Selector::Op::kFlag);
}

TEST(Recipe, IsFoundFromAnyFolder) {
  const Files files =
      text_files({{"x.yaml",
                   "about: a\ntensors: {w: {shape: [1]}}\n"
                   "steps: [use: {recipe: inner}]\n"},
                  {"../../loaders/inner.yaml", kRecipes.at("scenarios/loaders/inner.yaml")}});
  EXPECT_TRUE(parse_scenario("x.yaml", files, kTestOracles).scenario);
}

TEST(Expect, TakesTheFirstRuleThatApplies) {
  const auto cases = cases_of(kThree + R"(sweep: {dtype: [float32, float16, bfloat16], seed: [1, 2]}
expect:
  - {when: {dtype: [float32, float16], seed: 2}, ckpt: fail}
  - {when: {dtype: float32}, alias: {fail: {ranks: [0, 2], of: [w.a, param], names: x, at: end}}}
  - {finite: free}
)");
  ASSERT_EQ(cases.size(), 6u);
  EXPECT_TRUE(cases[0].expect.contains("alias"));
  EXPECT_TRUE(cases[1].expect.contains("ckpt"));
  EXPECT_TRUE(cases[2].expect.contains("finite"));
  EXPECT_TRUE(cases[3].expect.contains("ckpt"));
  EXPECT_EQ(cases[5].expect.at("finite").expected, Expected::kFree);
  const Expectation& alias = cases[0].expect.at("alias");
  EXPECT_EQ(alias.ranks->text(), "0 | 2");
  EXPECT_EQ(alias.of->text(), "w.a | param");
  EXPECT_THAT(alias.names, ElementsAre("x"));
  EXPECT_EQ(alias.at, "end");
}

TEST(Overrides, FilterAndReplaceAxes) {
  const std::string text = kThree + "sweep: {dtype: [float32, float16], seed: [1, 2, 3]}\n";
  EXPECT_THAT(ids(cases_of(text, {.only = {{"dtype", "float16"}, {"seed", "1"}, {"seed", "3"}}})),
              ElementsAre("/dtype=float16/seed=1", "/dtype=float16/seed=3"));
  EXPECT_THAT(ids(cases_of(text, {.dtype = "float16", .seed = 3})),
              ElementsAre("/dtype=float16/seed=3"));
  const auto cases = cases_of(text, {.dtype = "float64", .seed = 9});
  EXPECT_THAT(ids(cases), ElementsAre("/dtype=float64/seed=9"));
  EXPECT_EQ(cases[0].dtype, DType::kFloat64);
  EXPECT_EQ(cases[0].seed, 9u);
}

TEST(Overrides, ReplaceWhatTheFileSays) {
  const auto cases = cases_of(kThree + "world: {nodes: 2, ranks_per_node: 2}\n",
                              {.ranks = 5, .model = "/m/big", .fill = "huge", .backend = "sim"});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].topology, (Topology{.nodes = 1, .ranks_per_node = 5}));
  EXPECT_EQ(cases[0].model, "/m/big");
  EXPECT_EQ(cases[0].fill, "huge");
  EXPECT_EQ(cases[0].backend, "sim");
  EXPECT_EQ(cases_of(kThree, {.fill = "all"}).size(), fill_names().size());
}

TEST(Overrides, ThatFitNothingNameWhatThereIs) {
  const Parsed parsed = parse_text(kThree + "sweep: {dtype: [float32], seed: [1, 2]}\n");
  ASSERT_TRUE(parsed.scenario);
  const Expanded expanded = expand(
      *parsed.scenario, {.only = {{"dtyp", "x"}, {"seed", "7"}}, .ranks = 0, .fill = "zero"});
  EXPECT_TRUE(expanded.cases.empty());
  EXPECT_EQ(print(expanded.diagnostics, {}),
            "--only: error: no axis \"dtyp\" in scenarios/t/x.yaml\n"
            "  = there are: dtype, seed\n"
            "--only: error: seed has no value \"7\" in scenarios/t/x.yaml\n"
            "  = there are: 1, 2\n");
  const Expanded others = expand(*parsed.scenario, {.ranks = 0, .fill = "zero"});
  EXPECT_EQ(print(others.diagnostics, {}),
            "--fill: error: fill cannot be \"zero\"\n  = did you mean \"zeros\"?\n"
            "--ranks: error: world.ranks must be between 1 and 16384, not 0\n");
}

TEST(Expand, RefusesMoreThanAHundredThousandCases) {
  std::string seeds = "[0";
  for (int i = 1; i < 400; ++i) seeds += ", " + std::to_string(i);
  const Parsed parsed =
      parse_text(kThree + "sweep:\n  seed: " + seeds + "]\n  world.ranks: [1" + [] {
        std::string ranks;
        for (int i = 2; i < 300; ++i) ranks += ", " + std::to_string(i);
        return ranks;
      }() + "]\n");
  ASSERT_EQ(parsed.diagnostics.size(), 1u);
  EXPECT_EQ(parsed.diagnostics[0].message, "the axes make more than 100000 cases");
}

TEST(Tensors, AreDeclaredWithEveryKey) {
  const auto cases = cases_of(R"(about: a
tensors:
  w.{0..1}: {shape: [2, 3], dtype: bfloat16, init: normal}
  stat: {shape: [], kind: buffer, init: ones}
  freq: {shape: [4], kind: runtime_buffer, module: rotary, value: 0.5}
  "{p,q}.tied": {shape: [2, 3], tie: w.0}
steps:
  - alloc: {of: stat | w.*, as: meta}
)");
  ASSERT_EQ(cases.size(), 1u);
  const auto& tensors = cases[0].tensors;
  ASSERT_EQ(tensors.size(), 6u);
  EXPECT_EQ(tensors[1].spec.name, "w.1");
  EXPECT_EQ(tensors[1].spec.dtype, DType::kBFloat16);
  EXPECT_THAT(tensors[1].spec.shape, ElementsAre(2, 3));
  EXPECT_EQ(tensors[1].spec.init.kind, InitKind::kNormal);
  EXPECT_EQ(tensors[2].spec.kind, TensorKind::kBuffer);
  EXPECT_EQ(tensors[3].spec.init.kind, InitKind::kAnalytic);
  EXPECT_EQ(tensors[3].spec.value, Formula::constant(0.5));
  EXPECT_EQ(tensors[3].module, "rotary");
  EXPECT_EQ(tensors[5].spec.name, "q.tied");
  EXPECT_EQ(tensors[5].spec.tied_to, "w.0");
  EXPECT_EQ(tensors[0].module, "outermost");
}

}  // namespace
}  // namespace loadproof::harness
