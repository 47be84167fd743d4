// `roles` and `groups` of a world: who meets whom, and who is compared with whom.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Ranks 0 and 2 end with other values, and both are a rank of first_last or of first_mtp.
std::string summed(const std::string& as, const std::string& mtp) {
  return "world: {ranks: 4, " + as + ": {first_last: \"0 | 3\", first_mtp: \"" + mtp + R"("}}
tensors:
  embed: {shape: [4], ranks: "0 | 2", value: 1}
steps:
  - fill: {of: embed, ranks: 0, with: const, const: 2}
  - fill: {of: embed, ranks: 2, with: const, const: 3}
)";
}

TEST(WorldGroups, DoNotPartWhatReplicasCompares) {
  EXPECT_THAT(findings_of(run_text(summed("groups", "0 | 2")), "replicas"),
              ElementsAre("2 embed value"));
  EXPECT_THAT(findings_of(run_text(summed("roles", "2")), "replicas"), IsEmpty());
}

TEST(WorldGroups, MeetAndCutAndRunSteps) {
  const CaseResult result = run_text(R"(world:
  mesh: {pp: 4}
  roles:  {trainer: "!last", engine: last}
  groups: {ends: "trainer & pp 0 | engine", middle: "!ends"}
tensors:
  w: {shape: [4], from: file, ranks: ends}
  v: {shape: [4], from: file, ranks: middle, shard: {dim: 0, over: middle}}
steps:
  - read:      {of: w, ranks: 0}
  - alloc:     {of: w, ranks: engine, as: empty}
  - broadcast: {of: w, ranks: ends, group: ends, src: 0}
  - read:      {of: v, ranks: middle}
)");
  EXPECT_THAT(result.surprises, IsEmpty());
  const Point& end = result.observation.ranks.at(2).points.back();
  ASSERT_EQ(end.tensors.size(), 1u);
  EXPECT_THAT(end.tensors[0].held, ElementsAre(ElementRange{2, 4}));
}

}  // namespace
}  // namespace loadproof::harness
