#include "harness/explain.h"

#include <gtest/gtest.h>

#include <sstream>

#include "harness/explain_table.h"
#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

// The part of the program, in a world of so many ranks.
std::string program_of(const std::string& steps, int64_t ranks) {
  const Parsed parsed = parse_text(kHead + "world: {ranks: 2}\nsteps:\n" + steps);
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const auto cases = expand(*parsed.scenario, {.ranks = ranks}).cases;
  return cases.size() == 1 ? program_text(cases[0]) : "";
}

TEST(Explain, MarksWhoRunsEachStep) {
  EXPECT_EQ(program_of(R"(
  - barrier: {id: both}
  - update:
      {id: outer, ranks: 1, do: [{barrier: {id: inner}}, {barrier: {id: never, ranks: 0}}]}
  - barrier: {id: nobody, ranks: r>7}
)",
                       2),
            R"(
       ranks    0  1
    0  both     x  x  barrier
    1  outer    .  x  update   ranks: 1
    2    inner  .  x  barrier
    3    never  .  .  barrier  ranks: 0
    4  nobody   .  .  barrier  ranks: r>7
)");
}

TEST(Explain, ListsEachGroupWhereTheColumnsDoNotFit) {
  std::string steps;
  for (int rank = 0; rank < 40; ++rank)
    steps +=
        "  - barrier: {id: b" + std::to_string(rank) + ", ranks: " + std::to_string(rank) + "}\n";
  EXPECT_TRUE(program_of(steps, 2).starts_with(R"(
       ranks  0  1
    0  b0     x  .  barrier  ranks: 0
    1  b1     .  x  barrier  ranks: 1
    2  b2     .  .  barrier  ranks: 2
)"));
  const std::string all = program_of(steps, 40);
  EXPECT_NE(all.find("\nrank 0\n    0  b0  barrier  ranks: 0\n\nrank 1\n"), all.npos) << all;
  EXPECT_NE(program_of(steps, 41).find("\nrank 40\n  nothing\n"), all.npos);
}

TEST(Explain, LeavesALineItsColumns) {
  std::string steps;
  for (const char* ranks : {"0", "1", "2", "3", "4", "5", "6", "7", "8"})
    steps += std::string("  - delay: {id: a_rather_long_name_of_a_step_, seconds: 1, ranks: ") +
             ranks + "}\n";
  size_t at = 0;
  for (int i = 0; (at = steps.find("step_,", at)) != steps.npos; ++i, at += 6)
    steps.replace(at, 6, "step_" + std::to_string(i) + ",");
  for (int64_t ranks : {2, 5, 9}) {
    std::istringstream text(program_of(steps, ranks));
    for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(Explain, ShowsEachProgramOnceAndTheExpectation) {
  const Parsed parsed = parse_text(kHead + R"(reference: a/b#1
world: {ranks: 4}
tensors: {extra: {shape: [2], kind: buffer}}
steps:
  - read: {of: file, ranks: 0, mark: ready}
  - each: {id: sync, of: "!ready & param", do: [{broadcast: {of: it, src: 0}}]}
  - free: {id: hole, of: w.x, rows: [0, 2], ranks: last}
  - sample: {id: s, tokens: 4}
expect: {ckpt: {fail: {ranks: r>0, fills: [nan]}}, finite: free}
)");
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const auto cases = expand(*parsed.scenario).cases;
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(explain(cases[0]), R"(scenarios/t/x.yaml
  a
  a/b#1

world   4 ranks on 1 node, backend gloo, fill nan, seed 7
model   scenarios/models/tiny, the checkpoint's dtype, attention sdpa
tensors
  extra  buffer float32 [2]

       ranks          0  1, 2  3
    0  read@7         x  .     .  read {of: file, mark: ready}  ranks: 0
    1  sync           x  x     x  each {of: "!ready & param"}
    2    broadcast@8  x  x     x  broadcast {of: it}
    3  hole           .  .     x  free {of: w.x, rows: [0, 2]}  ranks: last
    4  s              x  x     x  sample {tokens: 4}

expect
  ckpt: fail {ranks: r>0, fills: [nan]}
  finite: free
  every other oracle passes
)");
}

TEST(Explain, TellsWhatMustBeRefused) {
  const Parsed parsed = parse_text(kHead + R"(world: {ranks: 2}
refuse: {at: load, names: [w.2, hub], ranks: r>0}
steps: [read: {id: load, of: file}]
)");
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const std::string text = explain(expand(*parsed.scenario).cases.at(0));
  EXPECT_NE(text.find("expect\n  refuse load, on ranks r>0, by w.2, hub\n"), text.npos) << text;
}

TEST(Explain, TellsOfEachTensorWhatTheScenarioDeclares) {
  const Parsed parsed = parse_text(R"(about: a
world: {mesh: {tp: 2, pp: 2}}
tensors:
  q: {shape: [8, 2], from: file, shard: {dim: 0, over: tp, rule: packed, sections: [6, 2]}}
  v: {shape: [4], from: file, ranks: pp 0, value: 'arange(1, 1)', tolerance: 0.5}
  u: {shape: [2, 2], tie: q, slice: "0:2", kind: scratch}
  m: {shape: [], value: 1, module: MoE, dtype: bfloat16}
steps: [read: {of: file}]
)");
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const std::string text = explain(expand(*parsed.scenario).cases.at(0));
  const size_t begin = text.find("tensors\n");
  EXPECT_EQ(text.substr(begin, text.find("\n\n", begin) - begin), R"(tensors
  q  param float32 [8, 2], from file, shard {dim: 0, over: tp, rule: packed, sections: [6, 2]}
  v  param float32 [4], from file, value: arange(1, 1), ranks: pp 0, tolerance: 0.5
  u  scratch float32 [2, 2], tied to q[0:2]
  m  param bfloat16 [] of MoE, value: 1)");
}

}  // namespace
}  // namespace loadproof::harness
