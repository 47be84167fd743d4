#include "sim/checkpoint/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace loadproof {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> nearest(std::string_view wanted, std::vector<std::string> known) {
  return nearest_names(wanted, known);
}

TEST(Nearest, FindsOneTypingSlipOfEachKind) {
  for (const char* slip : {"brodcast", "broaddcast", "broadkast", "boradcast"})
    EXPECT_THAT(nearest(slip, {"barrier", "broadcast", "gather"}), ElementsAre("broadcast"))
        << slip;
}

TEST(Nearest, CountsASwapOfNeighboursAsOneSlip) {
  // As two slips it would be as far off as "gates", and be named with it.
  EXPECT_THAT(nearest("gatse", {"gates", "gatxxe"}), ElementsAre("gates"));
}

TEST(Nearest, PrefersTheSameNameInAnotherCase) {
  EXPECT_THAT(nearest("bf16", {"BF17", "BF16", "F16"}), ElementsAre("BF16"));
}

TEST(Nearest, FallsBackToBeginningsAndThenToParts) {
  EXPECT_THAT(nearest("broad", {"broadcast", "abroad_is_long"}), ElementsAre("broadcast"));
  EXPECT_THAT(nearest("layers.0.mlp", {"model.layers.0.mlp.up_proj", "model.norm"}),
              ElementsAre("model.layers.0.mlp.up_proj"));
  EXPECT_THAT(nearest("model.lm_head.weight", {"lm_head.weight", "other"}),
              ElementsAre("lm_head.weight"));
}

TEST(Nearest, NamesNothingThatIsFarOff) {
  EXPECT_THAT(nearest("gather", {"scatter", "x", "", "zeros"}), IsEmpty());
  EXPECT_THAT(nearest("", {"a", "abc"}), IsEmpty());
  EXPECT_THAT(nearest("a", {"b", "cat"}), IsEmpty());
}

TEST(Nearest, KeepsTheLimitAndDropsDuplicatesAndTheNameItself) {
  EXPECT_THAT(nearest("rank9", {"rank4", "rank1", "rank1", "rank3", "rank9", "rank2"}),
              ElementsAre("rank1", "rank2", "rank3"));
  EXPECT_THAT(nearest_names("rank9", std::vector<std::string_view>{"rank2", "rank1"}, 1),
              ElementsAre("rank1"));
}

TEST(Nearest, DoesNotDependOnTheOrderOfTheKnownNames) {
  std::vector<std::string> known = {"fill", "fell", "full", "fall", "filled"};
  std::sort(known.begin(), known.end());
  const auto expected = nearest("fxll", known);
  do {
    ASSERT_EQ(nearest("fxll", known), expected);
  } while (std::next_permutation(known.begin(), known.end()));
}

TEST(Nearest, LeavesEndlessNamesAlone) {
  const std::string endless(1'000'000, 'a');
  EXPECT_THAT(nearest(endless, {std::string(1'000'000, 'b'), "a"}), IsEmpty());
}

TEST(Nearest, EndsAMessage) {
  EXPECT_EQ(did_you_mean(std::vector<std::string>{}), "");
  EXPECT_EQ(did_you_mean("fxll", std::vector<std::string>{"fill"}), " (did you mean \"fill\"?)");
  EXPECT_EQ(did_you_mean("rank9", std::vector<std::string_view>{"rank1", "rank2", "rank3"}),
            " (did you mean \"rank1\", \"rank2\" or \"rank3\"?)");
}

TEST(Nearest, QuotesTextSoThatATerminalIsSafe) {
  EXPECT_EQ(in_quotes("model.norm"), "\"model.norm\"");
  EXPECT_EQ(in_quotes("a\n\x1b[2J\"\xff"), "\"a\\n\\x1b[2J\\\"\\xff\"");
  EXPECT_EQ(in_quotes(std::string(300, 'x')), "\"" + std::string(200, 'x') + "\"…");
}

}  // namespace
}  // namespace loadproof
