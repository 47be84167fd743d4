#include "sim/rank_set.h"

#include <gmock/gmock.h>

namespace loadproof {
namespace {

using testing::ElementsAre;

std::vector<int> members(std::string_view text, const Topology& topology) {
  auto set = RankSet::parse(text);
  EXPECT_TRUE(set) << text << ": " << set.error().message;
  return set ? set->members(topology) : std::vector<int>{-1};
}

TEST(RankSet, SelectsByEveryFormOfTheGrammar) {
  const Topology world{.nodes = 2, .ranks_per_node = 4};
  const std::vector<std::pair<std::string_view, std::vector<int>>> rows = {
      {"all", {0, 1, 2, 3, 4, 5, 6, 7}},
      {"none", {}},
      {"0", {0}},
      {"1..3", {1, 2, 3}},
      {"last", {7}},
      {"6..last", {6, 7}},
      {"99", {}},
      {"r>0", {1, 2, 3, 4, 5, 6, 7}},
      {"r >= 6", {6, 7}},
      {"rank<2", {0, 1}},
      {"r<=1", {0, 1}},
      {"r!=last", {0, 1, 2, 3, 4, 5, 6}},
      {"r=5", {5}},
      {"r%2==1", {1, 3, 5, 7}},
      {"r % 3 > 1", {2, 5}},
      {"local 0", {0, 4}},
      {"local0", {0, 4}},
      {"local>2", {3, 7}},
      {"local last", {3, 7}},
      {"local 1..2", {1, 2, 5, 6}},
      {"node 1", {4, 5, 6, 7}},
      {"node last & local 0", {4}},
      {"!0", {1, 2, 3, 4, 5, 6, 7}},
      {"!!0", {0}},
      {"(r>0) & local 0", {4}},
      {"0 | 2", {0, 2}},
      {"0 | 1 & node 1", {0}},
      {"(0 | 4) & node 1", {4}},
      {"!(0|1) & node 0", {2, 3}},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(members(text, world), expected) << text;
}

TEST(RankSet, FollowsTheWorldItIsHeldAgainst) {
  EXPECT_THAT(members("r>0", {.nodes = 1, .ranks_per_node = 1}), ElementsAre());
  EXPECT_THAT(members("last", {.nodes = 1, .ranks_per_node = 1}), ElementsAre(0));
  EXPECT_THAT(members("last", {.nodes = 1, .ranks_per_node = 7}), ElementsAre(6));
  EXPECT_THAT(members("local 0", {.nodes = 7, .ranks_per_node = 1}),
              ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(RankSet, KnowsTheMeshAndTheRoles) {
  // Ranks 0..7 as (replicate, shard): the last dimension varies fastest.
  const Topology world{.nodes = 1,
                       .ranks_per_node = 8,
                       .mesh = {{"replicate", 2}, {"shard", 4}},
                       .roles = {{"trainer", {0, 1}}, {"engine_2", {6, 7}}}};
  EXPECT_THAT(members("shard 0", world), ElementsAre(0, 4));
  EXPECT_THAT(members("shard last & replicate 1", world), ElementsAre(7));
  EXPECT_THAT(members("replicate>0", world), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(members("shard%2==1", world), ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(members("trainer", world), ElementsAre(0, 1));
  EXPECT_THAT(members("!trainer & !engine_2", world), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(members("(engine_2 | 0) & shard<3", world), ElementsAre(0, 6));
}

TEST(RankSet, TakesAGroupForANameAndForNoRole) {
  const Topology world{.ranks_per_node = 3, .roles = {{"ends", {0, 2}, true}, {"engine", {1, 2}}}};
  EXPECT_THAT(RankSet::parse("ends & engine")->members(world), ElementsAre(2));
  EXPECT_EQ(world.role_of(0), -1);
  EXPECT_EQ(world.role_of(2), 1);
}

TEST(RankSet, TakesADimensionThatTheMeshLacksForOneOfSizeOne) {
  const Topology world{.nodes = 1, .ranks_per_node = 2};
  EXPECT_THAT(members("shard 0", world), ElementsAre(0, 1));
  EXPECT_THAT(members("shard>0", world), ElementsAre());
  EXPECT_THAT(members("trainer", world), ElementsAre());
}

TEST(RankSet, TellsWhatItCallsByName) {
  const auto names = RankSet::parse("0 | shard 1 & trainer")->names();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names[0].name, "shard");
  EXPECT_TRUE(names[0].is_dim);
  EXPECT_EQ(names[1].name, "trainer");
  EXPECT_FALSE(names[1].is_dim);
  EXPECT_EQ(names[1].column, 15);
}

TEST(RankSet, OfNothingGivenIsEverybody) {
  EXPECT_THAT(RankSet().members({.nodes = 1, .ranks_per_node = 3}), ElementsAre(0, 1, 2));
  EXPECT_EQ(RankSet().text(), "all");
  EXPECT_EQ(RankSet(), RankSet::parse("all").value());
}

TEST(RankSet, SaysInWhichColumnATextIsWrong) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "column 1: expected a term, the text ends here"},
      {"r>", "column 3: expected a number, the text ends here"},
      {"r ~ 3", "column 3: expected a comparison (== != < <= > >=) before `~ 3`"},
      {"0 1", "column 3: expected `&`, `|` or the end before `1`"},
      {"(0", "column 3: expected `)`, the text ends here"},
      {"0 |", "column 4: expected a term, the text ends here"},
      {"0 & | 1", "column 5: expected a term before `| 1`"},
      {"3..1", "column 1: the range ends before it begins"},
      {"last..2", "column 1: the range ends before it begins"},
      {"r%0==1", "column 3: the divisor is 0"},
      {"9999999", "column 1: the number is greater than 1000000"},
      {"others 1 2", "column 10: expected `&`, `|` or the end before `2`"},
      {"others ~", "column 8: expected a comparison (== != < <= > >=) before `~`"},
      {"-1",
       "column 1: expected a rank set (all, none, 0, 1..3, last, r>0, local 0, node 1) before "
       "`-1`"},
      {std::string(70, '!') + "0", "column 65: nested more than 64 deep"},
      {std::string(70, '(') + "0", "column 65: nested more than 64 deep"},
      {std::string(5000, '0'), "column 1: more than 4096 characters"},
  };
  for (const auto& [text, message] : rows) {
    auto set = RankSet::parse(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().message, message) << text;
  }
}

}  // namespace
}  // namespace loadproof
