#include "harness/scenario.h"

#include <gmock/gmock.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr const char* kFounding = R"(
# yaml-language-server: $schema=../schema/scenario.json
about: Placeholders of ranks that do not read the file survive until sampling
reference: huggingface/transformers#45050
model: ../models/tiny
world: {ranks: 2}
sweep: {dtype: [bfloat16, float16, float32]}
steps:
  - alloc:  {of: all, as: meta}
  - read:   {of: file, ranks: 0, mark: initialised}
  - alloc:  {id: hold, of: meta, as: empty}
  - mark:   {id: premark, of: file, ranks: r>0, flag: initialised}
  - fill:   {of: "!initialised", with: init}
  - sample: {id: generate, prompt: [5, 17, 42, 99, 3], tokens: 8, with: multinomial}
variants:
  "5.3.0": {drop: [premark], expect: {ckpt: {fail: {ranks: 1}}, replicas: fail}}
  "5.4.0": {expect: {finite: {fail: {ranks: 1, fills: [nan]}}, defined: {fail: {ranks: 1, state: undefined}}, ckpt: {fail: {ranks: 1}}, replicas: fail}}
  "5.6.0": {set: {hold.as: zeros}, expect: {defined: {fail: {ranks: 1, state: placeholder}}, ckpt: {fail: {ranks: 1}}, replicas: fail}}
  broadcast: {insert: {before: generate, broadcast: {of: param, src: 0}}, expect: pass}
)";

TEST(Scenario, ReadsTheFoundingCase) {
  const Parsed parsed = parse_text(kFounding);
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const Expanded expanded = expand(*parsed.scenario);
  ASSERT_EQ(expanded.cases.size(), 12u);
  const Case& first = expanded.cases[0];
  EXPECT_EQ(first.id, "scenarios/t/x.yaml/variant=5.3.0/dtype=bfloat16");
  EXPECT_THAT(first.axes, ElementsAre(Pair("variant", "5.3.0"), Pair("dtype", "bfloat16")));
  EXPECT_THAT(first.labels, ElementsAre("t", "5.3.0"));
  EXPECT_EQ(first.model, "scenarios/models/tiny");
  EXPECT_EQ(first.topology, (Topology{.nodes = 1, .ranks_per_node = 2}));
  EXPECT_EQ(first.dtype, DType::kBFloat16);
  EXPECT_EQ(first.reference, "huggingface/transformers#45050");
  ASSERT_EQ(first.program.steps.size(), 5u);
  const Step& read = first.program.steps[1];
  EXPECT_EQ(read.id, "read@10");
  EXPECT_EQ(read.where, (Where{"scenarios/t/x.yaml", 10, 5}));
  EXPECT_EQ(read.ranks.text(), "0");
  EXPECT_EQ(read.of.text(), "file");
  EXPECT_EQ(arg<std::string>(read, "mark"), "initialised");
  EXPECT_EQ(arg<std::string>(read, "missing"), "skip");
  EXPECT_EQ(first.program.steps[3].of.nodes()[0].op, Selector::Op::kFlag);
  EXPECT_EQ(arg<int64_t>(first.program.steps[4], "top_k"), 50);
  EXPECT_EQ(first.expect.at("replicas").expected, Expected::kFail);
  EXPECT_EQ(first.expect.at("ckpt").ranks->text(), "1");
  const Case& zeros = expanded.cases[6];
  EXPECT_EQ(arg<std::string>(zeros.program.steps[2], "as"), "zeros");
  EXPECT_EQ(*zeros.expect.at("defined").state, "placeholder");
  const Case& broadcast = expanded.cases[11];
  EXPECT_EQ(broadcast.program.steps[5].verb, "broadcast");
  EXPECT_EQ(broadcast.program.steps[6].index, 6);
  EXPECT_TRUE(broadcast.expect.empty());
}

}  // namespace
}  // namespace loadproof::harness
