#include "harness/standing.h"

#include <gmock/gmock.h>

#include "tests/harness/memories.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;

TEST(Piles, AreOfEqualBytesAndTheLargestTogetherStandFirst) {
  EXPECT_THAT(piles_of({stands("head", kib(3)), stands("w.0", kib(2)), stands("w.1", kib(2)),
                        stands("w.2", kib(1)), stands("w.3", kib(2), false)}),
              ElementsAre(Pile{"w.{0, 1}", 2, kib(2), true}, Pile{"head", 1, kib(3), true},
                          Pile{"w.3", 1, kib(2), false}, Pile{"w.2", 1, kib(1), true}));
}

TEST(Piles, AreOrderedByWhatIsReservedWhereNothingIsResident) {
  EXPECT_THAT(piles_of({stands("a", kib(0, 1)), stands("b", kib(0, 2))}),
              ElementsAre(Pile{"b", 1, kib(0, 2), true}, Pile{"a", 1, kib(0, 1), true}));
}

TEST(PileDifferences, AreWhatDoesNotStandAlike) {
  EXPECT_THAT(differences_of({stands("same", kib(9)), stands("w.0", kib(4)), stands("w.1", kib(4)),
                              stands("gone", kib(1))},
                             {stands("same", kib(9)), stands("w.0", kib(0, 4)),
                              stands("w.1", kib(0, 4)), stands("new", kib(5))}),
              ElementsAre(PileDifference{"w.{0, 1}", 2, kib(4), kib(0, 4)},
                          PileDifference{"new", 1, std::nullopt, kib(5)},
                          PileDifference{"gone", 1, kib(1), std::nullopt}));
}

TEST(PileDifferences, AddUpWhatIsOfOneName) {
  EXPECT_THAT(differences_of({stands("w", kib(4)), stands("w", kib(1))}, {stands("w", kib(5))}),
              ElementsAre());
}

}  // namespace
}  // namespace loadproof::harness::testing
