#include "harness/words.h"

#include <gtest/gtest.h>

#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

TEST(Words, NameRanksShortly) {
  EXPECT_EQ(ranks_text({}), "no rank");
  EXPECT_EQ(ranks_text({3}), "rank 3");
  EXPECT_EQ(ranks_text({0, 1}), "ranks 0, 1");
  EXPECT_EQ(ranks_text({0, 1, 2, 5, 7, 8, 9}), "ranks 0..2, 5, 7..9");
  EXPECT_EQ(ranks_text({0, 1, 2, 5, 7, 8, 9}, 2), "ranks 0..2, 5 and 3 more");
  EXPECT_EQ(ranks_text({0, 1, 2, 5}, 2), "ranks 0..2, 5");
  EXPECT_EQ(numbers_text({}), "");
}

TEST(Words, NameBytesAsPeopleReadThem) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(int64_t{3} << 40), "3 TiB");
  EXPECT_EQ(bytes_text(int64_t{12345} << 40), "12.06 PiB");
}

TEST(Words, ShortenTextsInTheMiddle) {
  EXPECT_EQ(shortened("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(shortened("abcdefgh", 5), "ab…gh");
  EXPECT_EQ(shortened("äbcdefgö", 4), "ä…gö");
  EXPECT_EQ(shortened("abc", 1), "…");
  EXPECT_EQ(shortened("abc", 0), "");
  EXPECT_EQ(characters_of("ä…b"), 3u);
}

TEST(Words, NameElementsStepsCountsAndLists) {
  EXPECT_EQ(elements_text(-1, -1), "");
  EXPECT_EQ(elements_text(3, 4), "element 3");
  EXPECT_EQ(elements_text(3, 9), "elements 3 to 8");
  EXPECT_EQ(step_text(sound_world(), kSync), "'sync' (broadcast, x.yaml:6)");
  EXPECT_EQ(step_text(sound_world(), -1), "");
  EXPECT_EQ(step_text(sound_world(), 99), "");
  EXPECT_EQ(count_text(1, "case"), "1 case");
  EXPECT_EQ(count_text(0, "case"), "0 cases");
  EXPECT_EQ(list_text({"a", "b", "c"}, 2), "a, b and 1 more");
  EXPECT_EQ(list_text({"a", "b"}, 2), "a, b");
}

}  // namespace
}  // namespace loadproof::harness::testing
