#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(ExpectErrors, SaysWhatIsWrongInExpectations) {
  const std::vector<ErrorRow> rows = {
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect: fail
)",
       {"6:9: expect must be pass, a map from oracles, or a list of such maps, not \"fail\""}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect: {finit: fail}
)",
       {"6:10: unknown oracle \"finit\" = did you mean \"finite\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect: {finite: bad, ckpt: {}, defined: {fial: {}}}
)",
       {"6:18: finite cannot be \"bad\" = one of: pass, fail, free",
        "6:29: ckpt must be pass, fail, free or {fail: …}",
        "6:43: unknown key of an expectation \"fial\" = did you mean \"fail\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect:
  ckpt: {fail: {rank: 0, ranks: x, of: meta, state: undefind, fills: [nan, zro]}}
  alias: {fail: {at: hld, from_rank: -1, names: {}}}
)",
       {"7:17: unknown key of fail \"rank\" = did you mean \"ranks\"?",
        "7:33: ranks: the world has no role \"x\" = such as 0, 1..3, last, r>0, local 0 or "
        "node 1; roles and mesh dimensions are those of `world`",
        "7:40: an expectation cannot depend on states, flags or module types = use names, "
        "kinds, file, tied and slices",
        "7:53: state cannot be \"undefind\" = did you mean \"undefined\"?",
        "7:76: unknown fill \"zro\" = one of: nan, nan7fff, zeros, tiny, huge, stale",
        "8:3: unknown step in \"at\" of alias \"hld\" = did you mean \"hold\"?",
        "8:38: from_rank must be between 0 and 16383, not -1",
        "8:49: names must be text, not a map"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect: {ckpt: {fail: {at: hld}}}
)",
       {"6:10: unknown step in \"at\" of ckpt \"hld\" = did you mean \"hold\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect: {no_hang: {fail: {kind: sise}}}
)",
       {"6:33: kind cannot be \"sise\" = did you mean \"size\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep: {dtype: [float32, float16]}
expect:
  - {when: {dtpe: float32}, ckpt: fail}
  - {when: {dtype: flot16}, ckpt: fail}
)",
       {"8:13: unknown axis \"dtpe\" = did you mean \"dtype\"?",
        "9:20: unknown value of dtype \"flot16\" = did you mean \"float16\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep: {dtype: [float32, float16]}
expect: [{when: {dtype: float32}, ckpt: fail}]
)",
       {"7:9: no expectation applies to scenarios/t/x.yaml/dtype=float16 = one without `when`, "
        "at the end, serves for all others"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep: {dtype: [float32]}
expect:
  - {ckpt: fail}
  - {when: {dtype: float32}, ckpt: pass}
)",
       {"9:5: no case uses this expectation = all cases meet an earlier one, or have a "
        "variant's own"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
variants: {a: {expect: {ckpt: fail}}}
expect: pass
)",
       {"7:9: no case uses this expectation = all cases meet an earlier one, or have a "
        "variant's own"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - sample: {id: draw}
expect:
  tokens: [{ranks: 0, at: drew, are: [1, x]}, {rank: 0}, 3, {at: hold, are: [], fills: pink}]
)",
       {"7:12: unknown sample step in \"at\" of tokens \"drew\" = did you mean \"draw\"?",
        "7:42: each of are must be a whole number, not \"x\"",
        "7:47: tokens needs the key \"are\" = a list of token ids",
        "7:48: unknown key of tokens \"rank\" = did you mean \"ranks\"?",
        "7:58: tokens must be a map, not \"3\"",
        "7:61: unknown sample step in \"at\" of tokens \"hold\" = one of: draw",
        "7:88: unknown fill \"pink\" = one of: nan, nan7fff, zeros, tiny, huge, stale"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
expect: []
)",
       {"6:9: the list of expectations is empty"}},
      {R"(about: [a]
model: {}
world: {ranks: many}
variants: 3
sweep: 4
tensors: 5
expect: 6
steps:
  - x: {}
)",
       {"1:8: about must be text, not a list",
        "2:8: model must be text, not a map",
        "3:16: world.ranks must be a whole number, not \"many\"",
        "4:11: variants must be a map, not \"3\"",
        "5:8: sweep must be a map, not \"4\"",
        "6:10: tensors must be a map, not \"5\"",
        "7:9: expect must be pass, a map from oracles, or a list of such maps, not \"6\"",
        "9:5: unknown verb \"x\" = one of: use, alloc, free, fill, read, save, move, "
        "copy, apply, bind, mark, shard, to, broadcast, scatter, gather, all_reduce, "
        "barrier, send, "
        "recv, wait, damage, raise, delay, require, observe, sample, each, repeat, update"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
