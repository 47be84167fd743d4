#include "harness/fold_names.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace loadproof::harness {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// "NAME COUNT" of each; all names are of one kind.
std::vector<std::string> folded(const std::vector<std::string>& names) {
  std::vector<NameToFold> given;
  for (const std::string& name : names) given.push_back({name});
  std::vector<std::string> told;
  for (const FoldedName& one : fold_names(given))
    told.push_back(one.name + " " + std::to_string(one.count));
  return told;
}

TEST(FoldNames, AreOneWhereTheyDifferInANumber) {
  EXPECT_THAT(folded({"w.0", "w.1", "w.2"}), ElementsAre("w.{0..2} 3"));
  EXPECT_THAT(folded({"w.4", "w.0", "w.2"}), ElementsAre("w.{0, 2, 4} 3"));
  EXPECT_THAT(folded({"w.0", "w.2", "w.4", "w.6", "w.8"}), ElementsAre("w.{0, 2, 4 and 2 more} 5"));
  EXPECT_THAT(folded({"a", "w.7", "b"}), ElementsAre("a 1", "w.7 1", "b 1"));
  EXPECT_THAT(folded({}), ElementsAre());
}

TEST(FoldNames, OfOneNameAreOneToo) { EXPECT_THAT(folded({"w.1", "w.1"}), ElementsAre("w.1 2")); }

TEST(FoldNames, AreKeptApartByTheirTexts) {
  EXPECT_THAT(folded({"q.0", "k.0", "q.1", "k.1"}), ElementsAre("q.{0, 1} 2", "k.{0, 1} 2"));
  EXPECT_THAT(folded({"w.0", "w.00", "w.01"}), ElementsAre("w.0 1", "w.00 1", "w.01 1"));
  EXPECT_THAT(folded({"w.1234567890", "w.1234567891"}), SizeIs(2));
}

TEST(FoldNames, AreFoldedByEachOfTheirNumbers) {
  std::vector<std::string> names;
  for (int layer = 0; layer < 4; ++layer)
    for (int expert = 0; expert < 8; ++expert)
      names.push_back("l." + std::to_string(layer) + ".e." + std::to_string(expert) + ".up");
  EXPECT_THAT(folded(names), ElementsAre("l.{0..3}.e.{0..7}.up 32"));
  names.pop_back();
  EXPECT_THAT(folded(names), ElementsAre("l.{0..2}.e.{0..7}.up 24", "l.3.e.{0..6}.up 7"));
}

// What is left out of the text of one must not make it equal to another.
TEST(FoldNames, AreKeptApartByNumbersThatAreNotShown) {
  std::vector<std::string> names;
  for (int last : {8, 9})
    for (int expert : {0, 2, 4, 6, last})
      names.push_back("l." + std::to_string(last) + ".e." + std::to_string(expert));
  EXPECT_THAT(folded(names), SizeIs(2));
}

TEST(FoldNames, AreKeptApartByKind) {
  EXPECT_THAT(fold_names({{"w.0", 0}, {"w.1", 1}, {"w.2", 0}}),
              ElementsAre(FoldedName{"w.{0, 2}", 0, 2}, FoldedName{"w.1", 1, 1}));
}

}  // namespace
}  // namespace loadproof::harness
