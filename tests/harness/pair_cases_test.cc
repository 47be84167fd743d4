#include "harness/pair_cases.h"

#include <gmock/gmock.h>

namespace loadproof::harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using Axes = std::vector<std::pair<std::string, std::string>>;

Case case_of(const std::string& file, const Axes& axes) {
  Case made;
  made.scenario = made.id = file;
  made.axes = axes;
  for (const auto& [axis, value] : axes) made.id.append("/").append(axis).append("=").append(value);
  return made;
}

const std::vector<Case> kHere = {case_of("x", {{"variant", "a"}, {"size", "1"}}),
                                 case_of("x", {{"variant", "a"}, {"size", "2"}}),
                                 case_of("x", {{"variant", "b"}, {"size", "1"}})};

// "ID ID" of each pair, or what is wrong.
std::vector<std::string> told(const std::vector<Case>& there, const std::vector<std::string>& named,
                              bool same_file) {
  const auto pairs = pair_cases(kHere, there, named, same_file);
  if (!pairs) return {pairs.error().message};
  std::vector<std::string> texts;
  for (const CasePair& pair : *pairs) texts.push_back(pair.here->id + " " + pair.there->id);
  return texts;
}

TEST(PairCases, PutsAnotherVariantBesideEach) {
  EXPECT_THAT(told({kHere[2], case_of("x", {{"variant", "b"}, {"size", "2"}})}, {"variant"}, true),
              ElementsAre("x/variant=a/size=1 x/variant=b/size=1",
                          "x/variant=a/size=2 x/variant=b/size=2"));
}

TEST(PairCases, PutsCasesOfAnotherFileBesideEachByTheAxesOfBoth) {
  EXPECT_THAT(told({case_of("y", {{"size", "2"}}), case_of("y", {{"size", "1"}})}, {}, false),
              ElementsAre("x/variant=a/size=1 y/size=1", "x/variant=a/size=2 y/size=2",
                          "x/variant=b/size=1 y/size=1"));
  EXPECT_THAT(told({case_of("y", {{"variant", "z"}})}, {"variant"}, false),
              ElementsAre("x/variant=a/size=1 y/variant=z", "x/variant=a/size=2 y/variant=z",
                          "x/variant=b/size=1 y/variant=z"));
}

TEST(PairCases, SaysWhichCaseHasNoneOrSeveral) {
  EXPECT_THAT(told({kHere[2]}, {"variant"}, true),
              ElementsAre("no case stands beside x/variant=a/size=2"));
  EXPECT_THAT(told({case_of("y", {{"variant", "b"}, {"size", "1"}})}, {"variant"}, true),
              ElementsAre("no case stands beside x/variant=a/size=1"));
  EXPECT_THAT(
      told({case_of("y", {{"of", "1"}}), case_of("y", {{"of", "2"}})}, {}, false),
      ElementsAre("2 cases stand beside x/variant=a/size=1: say which, by its axes: y/of=1, "
                  "y/of=2"));
  EXPECT_THAT(told(kHere, {}, true), ElementsAre(HasSubstr("are those themselves")));
}

TEST(PairCases, TellsAxesFromPaths) {
  EXPECT_THAT(parse_axes("variant=a,b,size=1"),
              ElementsAre(Pair("variant", "a,b"), Pair("size", "1")));
  EXPECT_THAT(parse_axes("model=a/b"), ElementsAre(Pair("model", "a/b")));
  EXPECT_THAT(parse_axes("x.yaml"), IsEmpty());
  EXPECT_THAT(parse_axes("x.yaml/variant=a"), IsEmpty());
  EXPECT_THAT(parse_axes("=a"), IsEmpty());
}

}  // namespace
}  // namespace loadproof::harness
