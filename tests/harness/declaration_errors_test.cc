// What is wrong with meshes, roles, budgets, stores and pieces of tensors.
#include <gtest/gtest.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

TEST(DeclarationErrors, SaysWhatIsWrongInAWorld) {
  const std::vector<ErrorRow> rows = {
      {"about: a\nmodel: ../models/tiny\nworld: {ranks: 3, mesh: {shard: 2}}\n"
       "steps: [barrier: {}]\n",
       {"3:8: the mesh has 2 places, and the world 3 ranks"}},
      {kHead + R"(world: {mesh: {shard: 2, shard: 3}}
steps: [barrier: {}]
)",
       {"3:26: duplicate key \"shard\""}},
      {kHead + R"(world: {mesh: {node: 2, tp-1: 2, shard: 0}, roles: {shard: 0, all: 1, e: shrd 0}}
steps: [barrier: {}]
)",
       {"3:16: \"node\" is no name of a mesh dimension = letters, digits and _, and no word of "
        "rank "
        "sets",
        "3:25: \"tp-1\" is no name of a mesh dimension = letters, digits and _, and no word of "
        "rank "
        "sets",
        "3:41: shard must be between 1 and 16384, not 0",
        "3:53: two dimensions, roles or groups are called \"shard\"",
        "3:63: \"all\" is no name of a role = letters, digits and _, and no word of rank sets",
        "3:74: e: the world has no mesh dimension \"shrd\" = did you mean \"shard\"?"}},
      {kHead + R"(world: {mesh: {shard: 2}, roles: {engine: 1}}
steps:
  - barrier: {ranks: engin}
  - barrier: {ranks: shrd 0}
  - barrier: {group: sharded}
sweep: {world.mesh.shad: [1, 2]}
)",
       {"5:22: ranks: the world has no role \"engin\" = did you mean \"engine\"?",
        "6:22: ranks: the world has no mesh dimension \"shrd\" = did you mean \"shard\"?",
        "7:22: unknown group \"sharded\" = did you mean \"shard\"?",
        "8:27: unknown mesh dimension \"shad\" = did you mean \"shard\"?",
        "8:30: unknown mesh dimension \"shad\" = did you mean \"shard\"?"}},
      {kHead +
           R"(world: {ranks: 3, roles: {a: 0, b: r<2}, groups: {c: b, d: e, e: all, b: 0, none: 1}}
steps:
  - barrier: {ranks: c | ee}
  - barrier: {group: d}
)",
       {"3:33: rank 0 is in the roles \"a\" and \"b\" = a rank has one role; names for any ranks "
        "are `groups`",
        "3:60: d: the world has no role \"e\" = such as 0, 1..3, last, r>0, local 0 or node 1; "
        "roles and mesh dimensions are those of `world`",
        "3:71: two dimensions, roles or groups are called \"b\"",
        "3:77: \"none\" is no name of a group = letters, digits and _, and no word of rank sets",
        "5:26: ranks: the world has no role \"ee\" = did you mean \"e\"?",
        "6:22: unknown group \"d\" = one of: world, node, a, b, c, e"}},
      {kHead + R"(budget: {rank: 1, node_resident: 3 QB, rank_resident: -1, rank_reserved: [1]}
steps: [barrier: {}]
)",
       {"3:10: unknown key of budget \"rank\" = did you mean \"rank_reserved\" or "
        "\"rank_resident\"?",
        "3:34: budget.node_resident must be a number of bytes, not \"3 QB\" = such as 4096, "
        "64 KiB, 1.5 GiB or 80 GB, or 105% of VARIANT",
        "3:55: budget.rank_resident must be a number of bytes, not \"-1\" = such as 4096, 64 KiB, "
        "1.5 GiB or 80 GB, or 105% of VARIANT",
        "3:74: budget.rank_reserved must be a number of bytes, not a list = such as 4096, 64 KiB, "
        "1.5 GiB or 80 GB, or 105% of VARIANT"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

TEST(DeclarationErrors, SaysWhatIsWrongInTensorsAndStores) {
  const std::vector<ErrorRow> rows = {
      {R"(about: a
tensors:
  w: {shape: [4], from: fiel, ranks: x, shard: {dmi: 0, rule: chnk}}
  v: {shape: [4], from: file, shard: 3, value: rope(1)}
steps: [barrier: {}]
)",
       {"3:25: from cannot be \"fiel\" = did you mean \"file\"?",
        "3:38: ranks: the world has no role \"x\" = such as 0, 1..3, last, r>0, local 0 or node 1; "
        "roles and mesh dimensions are those of `world`",
        "3:49: unknown key of shard \"dmi\" = did you mean \"dim\"?",
        "3:63: rule cannot be \"chnk\" = did you mean \"chunk\"?",
        "4:38: shard must be a map, not \"3\"",
        "4:48: value cannot be \"rope(1)\": a value is a number, rope(theta, head_dim), "
        "linspace(first, last), arange(first, step) or a list of numbers"}},
      {R"(about: a
tensors:
  buffer: {shape: [4]}
  w: {shape: [4], tie: v, slice: "0:2;"}
  v: {shape: [8], shared: everybody}
steps: [barrier: {}]
)",
       {"3:3: \"buffer\" is a word of selectors and cannot be a tensor's name = a name with a dot "
        "never is",
        "4:38: slice: expected a comma or the end",
        "5:27: unknown group \"everybody\" = one of: world, node"}},
      {kHead + R"(tensors: {w: {shape: [4], from: file}}
steps: [barrier: {}]
)",
       {"3:33: a tensor beside a model is in no checkpoint = give it a value, or let the scenario "
        "have tensors and no model"}},
      {R"(about: a
tensors: {w: {shape: [4], from: file}}
stores:
  1x: {}
  a: {vrsion: 1, files: {m.bin: [w], m.safetensors: [v, w@x, "w{"]}, version: -1}
  b: {stacked: {k: u}, empty: maybe}
steps:
  - read: {of: w, store: c}
variants: {x: {set: {tensors.u.shape: [2], stores.c.version: 1, tensors.w: 3}}}
)",
       {"4:3: \"1x\" is no name of a store = letters, digits, _ and -, beginning with a letter",
        "5:7: unknown key of a store \"vrsion\" = did you mean \"version\"?",
        "5:26: \"m.bin\" is no name of a file = such as model-1.safetensors",
        "5:54: unknown tensor of the stores \"v\" = one of: w",
        "5:57: \"w@x\" has no version = such as w@1, version 1 of w",
        "5:62: \"w{\" is no name of tensors = such as w, w.{0..7} or w.{a,b}",
        "5:79: version must be between 0 and 1000000, not -1",
        "6:20: unknown tensor of the stores \"u\" = one of: w",
        "6:31: empty must be true or false, not \"maybe\"",
        "8:26: unknown store \"c\" = one of: a, b, file",
        "9:39: unknown tensor \"u\" = one of: w",
        "9:62: unknown store \"c\" = one of: 1x, a, b",
        "9:65: \"tensors.w\" names no key = such as tensors.NAME.KEY"}},
      {R"(about: a
tensors: {w: {shape: [4], from: file}}
stores: {a: {per: nodes, dtype: bf16}}
steps: [move: {store: a, to: b}]
)",
       {"3:19: per cannot be \"nodes\" = did you mean \"node\"?",
        "3:33: dtype cannot be \"bf16\" = one of: bool, uint8, int8, int16, int32, int64, "
        "float8_e4m3fn, float8_e5m2, float16, bfloat16, float32, float64",
        "4:30: unknown store \"b\" = one of: a, file"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
