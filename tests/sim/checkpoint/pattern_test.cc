#include "sim/checkpoint/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace loadproof {
namespace {

TEST(MatchesPattern, TakesStarsAndQuestionMarksAsAShellDoes) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("", ""));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_TRUE(matches_pattern("model.*.weight", "model.layers.0.weight"));
  EXPECT_FALSE(matches_pattern("model.*.weight", "model.layers.0.bias"));
  EXPECT_TRUE(matches_pattern("a?c", "abc"));
  EXPECT_FALSE(matches_pattern("a?c", "ac"));
  EXPECT_TRUE(matches_pattern("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(matches_pattern("*a*b", "xxbxxa"));
  EXPECT_TRUE(matches_pattern("**", "anything"));
}

TEST(MatchesPattern, StaysQuickOnManyStars) {
  const std::string text(2000, 'a');
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(matches_pattern(pattern + "b", text));
  EXPECT_TRUE(matches_pattern(pattern, text));
}

}  // namespace
}  // namespace loadproof
