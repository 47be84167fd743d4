#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(AxisErrors, SaysWhatIsWrongInSweepsAndVariants) {
  const std::vector<ErrorRow> rows = {
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep: {dtpe: [float32], hold.ass: [meta], hld.as: [meta], world.rank: [1]}
)",
       {"6:9: \"dtpe\" is neither a setting nor STEP_ID.ARGUMENT = did you mean \"dtype\"?",
        "6:26: unknown argument of alloc \"ass\" = did you mean \"as\"?",
        "6:44: unknown step id \"hld\" = did you mean \"hold\"?",
        "6:60: unknown setting \"world.rank\" = did you mean \"world.ranks\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep:
  dtype: []
  fill: nan
  seed: {}
  hold.as: [meta, {a: b}]
  attention: [eager, eager]
  model: [a/x, b/x]
  variant: [a]
)",
       {"7:10: the axis \"dtype\" needs a list of values, or a map of patches, not nothing",
        "8:9: the axis \"fill\" needs a list of values, or a map of patches, not \"nan\"",
        "9:9: the axis \"seed\" needs a list of values, or a map of patches, not nothing",
        "10:19: a value of hold.as cannot be a map",
        "11:22: two values of attention are called \"eager\"",
        "12:11: there is no scenarios/t/a/x/config.json",
        "12:16: there is no scenarios/t/b/x/config.json",
        "12:16: two values of model are called \"x\"",
        "13:3: the axis \"variant\" is what `variants` makes"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep: {dtype: [float32, flot16], hold.as: [meta, zero]}
)",
       {"6:26: dtype cannot be \"flot16\" = did you mean \"float16\"?",
        "6:51: as cannot be \"zero\" = did you mean \"zeros\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
sweep: {a.b: {x: {}}}
)",
       {"6:9: \"a.b\" is no name of an axis = an axis of patches has a name of letters, "
        "digits, _ and -"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
variants: {a: {drp: [hold]}, b: [x], c: {set: 3}}
)",
       {"6:16: unknown key of variant a \"drp\" = did you mean \"drop\"?",
        "6:33: variant b must be a map, not a list", "6:47: set must be a map, not \"3\""}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
variants:
  a: {drop: [hodl]}
  b: {move: {hold: {after: nd}}}
  c: {swap: [hold, x]}
  d: {insert: {before: x, barrier: {}}}
  e: {set: {hol.as: meta}}
)",
       {"7:14: unknown step id \"hodl\" = did you mean \"hold\"?",
        "8:28: unknown step id \"nd\" = one of: hold, end_of",
        "9:20: unknown step id \"x\" = one of: hold, end_of",
        "10:24: unknown step id \"x\" = one of: hold, end_of",
        "11:13: unknown step id \"hol\" = did you mean \"hold\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
variants:
  a: {drop: {x: y}}
  b: {move: {hold: end_of}}
  c: {swap: [hold]}
  d: {insert: {barrier: {}}}
  e: {insert: {at: middle, barrier: {}}}
  f: {move: {hold: {before: hold}}}
  g: {set: {as: meta}}
  h: {insert: {at: end, brrier: {}}}
)",
       {"7:13: each of drop must be text, not a map",
        "8:20: a move needs one place = such as {sync: {before: init}}; before, after or at: "
        "start, end",
        "9:13: swap needs two ids = such as [read, mark]",
        "10:15: an insert has one place and one step = such as {before: ID, barrier: {}}; "
        "before, after or at: start, end",
        "11:20: at cannot be \"middle\" = one of: start, end",
        "12:29: a step cannot move into itself",
        "13:13: \"as\" is neither a setting nor STEP_ID.ARGUMENT = one of: world.ranks, "
        "world.nodes, world.ranks_per_node, world.devices_per_node, "
        "world.mesh.DIM, world.roles.NAME, "
        "world.groups.NAME, model, dtype, fill, backend, "
        "device, attention, seed, schedule, dry, links.storage, links.memory, links.host_device, "
        "links.intra_node, links.inter_node, budget.rank_resident, budget.rank_reserved, "
        "budget.node_resident, "
        "budget.node_reserved, budget.device_resident, budget.device_reserved, limits.writes",
        "14:25: unknown verb \"brrier\" = did you mean \"barrier\"?"}},
      {kHead + R"(steps:
  - alloc: {id: hold, of: all, as: empty}
  - barrier: {id: end_of}
variants:
  a: {set: {hold.as: zero}}
  b: {insert: {at: end, barrier: {id: hold}}}
  c: {set: {hold.as: null}}
  d: {set: {hold.id: x}}
)",
       {"4:5: alloc needs the argument \"as\" = meta: no storage; empty: undefined content; "
        "zeros: written zeros that hold the place; zeros_lazy: zeros of the kernel, which cost "
        "nothing "
        "until they are written",
        "7:22: as cannot be \"zero\" = did you mean \"zeros\"?",
        "8:39: the id \"hold\" is used twice = first at scenarios/t/x.yaml:4",
        "10:13: an id cannot be set"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
