#include "sim/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadproof::sim {
namespace {

using testing::ElementsAre;

const Topology kWorld{.nodes = 2,
                      .ranks_per_node = 4,
                      .mesh = {{"replicate", 2}, {"shard", 4}},
                      .roles = {{"trainer", {0, 1}}, {"engine", {2, 5}}}};

std::vector<int> ranks(const std::string& name, int rank) {
  const Groups groups(kWorld);
  const Result<int> index = groups.index_of(name, rank);
  return index ? groups.ranks_of(*index) : std::vector<int>{};
}

TEST(Groups, AreTheWorldNodesDimensionsAndRoles) {
  EXPECT_THAT(ranks("world", 5), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(ranks("node", 5), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(ranks("shard", 5), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(ranks("replicate", 5), ElementsAre(1, 5));
  EXPECT_THAT(ranks("engine", 5), ElementsAre(2, 5));
}

TEST(Groups, KnowPlacesAndMembers) {
  const Groups groups(kWorld);
  EXPECT_EQ(groups.place_in("replicate", 5)->members, 2);
  EXPECT_EQ(groups.place_in("replicate", 5)->position, 1);
  EXPECT_EQ(*groups.member_of("engine", 2, 1), 5);
}

TEST(Groups, SayWhoIsInNoneOfThem) {
  const Groups groups(kWorld);
  EXPECT_EQ(groups.index_of("trainer", 2).error().message, "rank 2 is not in the group trainer");
  EXPECT_EQ(groups.index_of("tensor", 0).error().message, "the world has no group tensor");
  EXPECT_EQ(groups.member_of("engine", 2, 2).error().message,
            "the group engine has 2 ranks and no rank 2");
}

}  // namespace
}  // namespace loadproof::sim
