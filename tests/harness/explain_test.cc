#include "harness/explain.h"

#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

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

rank 0
    0  read@7         read {of: file, mark: ready}  ranks: 0
    1  sync           each {of: "!ready & param"}
    2    broadcast@8  broadcast {of: it}
    4  s              sample {tokens: 4}

ranks 1, 2
    1  sync           each {of: "!ready & param"}
    2    broadcast@8  broadcast {of: it}
    4  s              sample {tokens: 4}

rank 3
    1  sync           each {of: "!ready & param"}
    2    broadcast@8  broadcast {of: it}
    3  hole           free {of: w.x, rows: [0, 2]}  ranks: last
    4  s              sample {tokens: 4}

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
