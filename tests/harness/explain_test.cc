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

}  // namespace
}  // namespace loadproof::harness
