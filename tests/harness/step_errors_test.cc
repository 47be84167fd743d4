#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(StepErrors, SaysWhatIsWrongInAStep) {
  const std::vector<ErrorRow> rows = {
      {kHead + R"(steps: {alloc: {}}
)",
       {"3:8: steps must be a list, not a map"}},
      {kHead + R"(steps:
  - barrier
  - nonsense
  - [a]
)",
       {"4:5: a step is a map from a verb to its arguments, not \"barrier\" = write \"barrier: "
        "{}\"",
        "5:5: a step is a map from a verb to its arguments, not \"nonsense\"",
        "6:5: a step is a map from a verb to its arguments, not a list"}},
      {kHead + R"(steps:
  - barrier: {}
    id: x
)",
       {"5:5: a step has one key, its verb; \"id\" is one too many = arguments belong into the "
        "braces of the verb"}},
      {kHead + R"(steps:
  - barrier: {}
    observe: {}
)",
       {"5:5: a step has one key, its verb; \"observe\" is one too many = begin a new step "
        "with \"- \""}},
      {kHead + R"(steps:
  - brodcast: {of: param}
)",
       {"4:5: unknown verb \"brodcast\" = did you mean \"broadcast\"?"}},
      {kHead + R"(steps:
  - broadcast: {of: param, source: 0}
)",
       {"4:28: unknown argument of broadcast \"source\" = one of: src, src_in, into, "
        "strided, order, match, group, timeout, stall, async, id, ranks, if, of, when"}},
      {kHead + R"(steps:
  - copy:    {of: model.a, slice: [1], from: model.b, from_slice: "1:x"}
  - require: {of: param, is: equal(w), error: other}
  - require: {of: param, is: equal( ), error: other}
  - barrier: {if: unheard}
  - fill:    {of: param, with: const, const: .nan}
  - repeat:  {times: -1, do: []}
)",
       {"4:35: slice must be a slice, not a list = such as 2:4 or \":, 0:3\"",
        "4:70: from_slice: expected a comma or the end",
        "5:30: is: unknown word \"w\" = a name of the model has a dot; a flag is set by some "
        "`mark`",
        "6:37: is: expected a tensor's name before `)`",
        "7:19: if: unknown word \"unheard\" = a name of the model has a dot; a flag is set by some "
        "`mark`",
        "8:46: const must be a number, not \".nan\"",
        "9:22: times must be at least 0, not -1"}},
      {kHead + R"(steps:
  - alloc: {of: all}
  - mark: {}
)",
       {"4:5: alloc needs the argument \"as\" = meta: no storage; empty: undefined content; "
        "zeros: written zeros that hold the place; zeros_lazy: zeros of the kernel, which cost "
        "nothing until they are written",
        "5:5: mark needs the argument \"flag\" = the flag's name; selectors use it as a word",
        "5:5: mark needs the argument \"of\" = which tensors"}},
      {kHead + R"(steps:
  - alloc: all
)",
       {"4:12: the arguments of alloc must be a map, not \"all\""}},
      {kHead + R"(steps:
  - broadcast: {of: param, src: zero}
  - free: {of: all, rows: [1, a]}
  - free: {of: all, rows: x}
  - mark: {of: all, flag: f, clear: yes}
  - sample: {temperature: hot}
  - copy: {of: all, dtype: float}
)",
       {"4:33: src must be a whole number, not \"zero\"",
        "5:31: each of rows must be a whole number, not \"a\"",
        "6:27: rows must be a list of whole numbers, not \"x\"",
        "7:37: clear must be true or false, not \"yes\"",
        "8:27: temperature must be a number, not \"hot\"",
        "9:28: dtype cannot be \"float\" = did you mean \"float16\", \"float32\" or "
        "\"float64\"?"}},
      {kHead + R"(steps:
  - broadcast: {of: param, group: wrld, src: -1}
  - shard: {of: param, over: nodes}
)",
       {"4:35: unknown group \"wrld\" = did you mean \"world\"?",
        "4:46: src must be at least 0, not -1",
        "5:30: unknown group \"nodes\" = did you mean \"node\"?"}},
      {kHead + R"(steps:
  - broadcast: {id: sync, of: param, src: 1}
  - broadcast: {of: param, group: node, src: 1}
)",
       {"4:5: src of sync is 1, but the group world has rank 0 alone in scenarios/t/x.yaml",
        "5:5: src of broadcast@5 is 1, but the group node has rank 0 alone in "
        "scenarios/t/x.yaml"}},
      {kHead + R"(steps:
  - raise: {error: [a]}
  - raise: {error: }
)",
       {"4:20: error must be text, not a list",
        "5:13: error must be text, not nothing"}},
      {kHead + R"(steps:
  - delay: {}
  - delay: {seconds: -1}
  - barrier: {timeout: soon, stall: 1}
  - barrier: {timeout: -0.5}
)",
       {"4:5: delay needs the argument \"seconds\" = how much later this rank's virtual clock is",
        "5:22: seconds must be at least 0, not -1",
        "6:24: timeout must be a number, not \"soon\"",
        "6:37: stall must be true or false, not \"1\"",
        "7:24: timeout must be at least 0, not -0.5"}},
      {kHead + R"(steps:
  - raise: {error: e, when: param}
  - update: {when: meta, on_error: undo, do: [{fill: {of: it, with: ones}}]}
)",
       {"4:23: \"when\" chooses among the tensors of \"of\", which is absent = of: all, or of: it "
        "inside `each`",
        "5:14: \"when\" chooses among the tensors of \"of\", which is absent = of: all, or of: it "
        "inside `each`",
        "5:36: on_error cannot be \"undo\" = one of: leave, restore",
        "5:59: \"it\" means something inside `each` only"}},
      {kHead + R"(steps:
  - alloc: {of: all, as: zero}
)",
       {"4:26: as cannot be \"zero\" = did you mean \"zeros\"?"}},
      {kHead + R"(steps:
  - barrier: {id: a}
  - barrier: {id: a}
)",
       {"5:19: the id \"a\" is used twice = first at scenarios/t/x.yaml:4"}},
      {kHead + R"(steps:
  - barrier: {id: a.b}
  - barrier: {id: world}
)",
       {"4:19: \"a.b\" is no id = letters, digits, _ and -, beginning with a letter",
        "5:19: the id \"world\" has a meaning of its own = choose another"}},
      {kHead + R"(steps:
  - barrier: {ranks: "r >> 1"}
  - barrier: {ranks: [0, x]}
  - barrier: {ranks: {}}
)",
       {"4:26: ranks: expected a number before `> 1`",
        "5:26: ranks: the world has no role \"x\" = such as 0, 1..3, last, r>0, local 0 or "
        "node 1; roles and mesh dimensions are those of `world`",
        "6:22: ranks must be a rank set, not a map = such as 0, r>0, local 0 or [0, 2]"}},
      {kHead + R"(steps:
  - alloc: {of: "param & & x", as: empty}
  - alloc: {of: {}, as: empty}
)",
       {"4:26: of: expected a term before `& x`",
        "5:17: of must be a selector, not a map = such as all, param, !initialised or model.*"}},
      {kHead + R"(steps:
  - alloc: {of: params, as: empty}
  - alloc: {of: all & redy, as: meta}
  - mark: {of: all, flag: ready}
  - alloc: {of: [param, zzz], as: meta}
)",
       {"4:17: of: unknown word \"params\" = did you mean \"param\"?",
        "5:23: of: unknown word \"redy\" = did you mean \"ready\"?",
        "7:25: of: unknown word \"zzz\" = a name of the model has a dot; a flag is set by some "
        "`mark`"}},
      {kHead + R"(steps:
  - alloc: {of: it, as: empty}
)",
       {"4:17: \"it\" means something inside `each` only"}},
      {kHead + R"(steps:
  - barrier: {of: all}
)",
       {"4:15: barrier acts on no tensors and takes no \"of\""}},
      {kHead + R"(steps:
  - mark: {of: all, flag: meta}
  - mark: {of: all, flag: a.b}
)",
       {"4:27: the flag \"meta\" is a word of selectors already",
        "5:27: \"a.b\" is no flag = letters, digits, _ and -, beginning with a letter"}},
      {kHead + R"(steps:
  - each: {of: all}
)",
       {"4:5: each needs the argument \"do\" = steps that run once for each tensor, or each "
        "chunk of them, which they call `it`"}},
      {kHead + R"(steps:
  - each: {of: all, do: barrier}
)",
       {"4:25: steps must be a list, not \"barrier\""}},
      {kHead + R"(steps:
  - each: {of: all, do: [{alloc: {of: it, as: zero}}]}
)",
       {"4:47: as cannot be \"zero\" = did you mean \"zeros\"?"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
