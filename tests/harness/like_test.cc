// A scenario that is like another: all that it leaves out is as it is there.
#include <gmock/gmock.h>

#include "tests/harness/front_end.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;

constexpr const char* kOther = R"(
about: The other
reference: there
model: ../models/tiny
world: {ranks: 2}
steps:
  - alloc:  {id: hold, of: all, as: empty}
  - use:    {recipe: r}
sweep: {dtype: [bfloat16, float32]}
)";
constexpr const char* kRecipe = "recipe: r\nabout: a recipe\nsteps: [barrier: {id: end_of}]\n";

std::vector<std::string> wrong(const std::string& text, const std::string& other) {
  return problems({.scenario = text, .recipe = other});
}

TEST(Like, TakesWhatIsLeftOutFromTheOtherFile) {
  const Parsed parsed = parse_text("about: This one\nlike: ../far/y.yaml\ndevice: fenced\n",
                                   {{"scenarios/far/y.yaml", kOther},
                                    {"scenarios/loaders/r.yaml", kRecipe}});
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const std::vector<Case> cases = expand(*parsed.scenario).cases;
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].id, "scenarios/t/x.yaml/dtype=bfloat16");
  EXPECT_EQ(cases[0].about, "This one");
  EXPECT_EQ(cases[0].reference, "there");
  EXPECT_EQ(cases[0].device, "fenced");
  EXPECT_EQ(cases[0].topology.ranks(), 2);
  ASSERT_EQ(cases[0].program.steps.size(), 2u);
  EXPECT_EQ(cases[0].program.steps[0].where.file, "scenarios/far/y.yaml");
}

TEST(Like, TakesPathsFromTheFolderOfTheOtherFile) {
  const Parsed parsed = parse_text("about: This one\nlike: ../far/off/y.yaml\n",
                                   {{"scenarios/far/off/y.yaml", R"(
about: The other
model: ../own
steps: [barrier: {id: end_of}]
)"},
                                    {"scenarios/far/own/config.json", "{}"}});
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  EXPECT_EQ(expand(*parsed.scenario).cases[0].model, "scenarios/far/own");
}

TEST(Like, HasItsOwnInPlaceOfAWholeKey) {
  const Parsed parsed =
      parse_text("about: This one\nlike: y.yaml\nsweep: {seed: [1, 2, 3]}\nworld: {ranks: 4}\n",
                 {{"scenarios/t/y.yaml", kOther}, {"scenarios/loaders/r.yaml", kRecipe}});
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const std::vector<Case> cases = expand(*parsed.scenario).cases;
  EXPECT_EQ(cases.size(), 3u);
  EXPECT_EQ(cases[0].topology.ranks(), 4);
}

TEST(Like, IsToldWhereItNamesNoFile) {
  EXPECT_THAT(wrong("about: a\nlike: none.yaml\n", ""),
              ElementsAre("2:7: cannot open scenarios/t/none.yaml"));
}

TEST(Like, TellsWhatIsWrongInTheOtherFileThere) {
  EXPECT_THAT(wrong("about: a\nlike: ../loaders/r.yaml\n", "model: ../models/tiny\nstep: []\n"),
              ElementsAre("scenarios/loaders/r.yaml:2:1: unknown key of the scenario \"step\" = "
                          "did you mean \"steps\"?",
                          "1:1: a scenario needs steps"));
}

TEST(Like, IsOfOneLevel) {
  EXPECT_THAT(wrong("about: a\nlike: ../loaders/r.yaml\n", "about: b\nlike: z.yaml\n"),
              ElementsAre("2:7: scenarios/loaders/r.yaml is like another scenario itself = name "
                          "the one that it is like"));
}

TEST(Like, IsNeverLikeItself) {
  EXPECT_THAT(wrong("about: a\nlike: x.yaml\n", ""),
              ElementsAre("2:7: scenarios/t/x.yaml is like another scenario itself = name the one "
                          "that it is like"));
}

}  // namespace
}  // namespace loadproof::harness
