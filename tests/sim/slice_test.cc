#include "sim/slice.h"

#include <gtest/gtest.h>

namespace loadproof {
namespace {

Layout layout_of(const char* text, const std::vector<int64_t>& shape) {
  const Result<Slice> slice = Slice::parse(text);
  EXPECT_TRUE(slice) << text;
  const Result<Layout> layout = slice->layout(shape);
  EXPECT_TRUE(layout) << text;
  return *layout;
}

void check(const char* text, const std::vector<int64_t>& shape,
           const std::vector<int64_t>& part_shape, const std::vector<Part>& parts) {
  const Layout layout = layout_of(text, shape);
  EXPECT_EQ(layout.shape, part_shape) << text;
  EXPECT_EQ(layout.parts, parts) << text;
}

TEST(Slice, TakesWhatTorchsIndexingTakes) {
  check("1:3", {4, 2}, {2, 2}, {{0, 2, 4}});
  check(":, 0:1", {2, 3}, {2, 1}, {{0, 0, 1}, {1, 3, 1}});
  check("-1", {4, 2}, {2}, {{0, 6, 2}});
  check("::2", {5}, {3}, {{0, 0, 1}, {1, 2, 1}, {2, 4, 1}});
  check("-3:-1", {4}, {2}, {{0, 1, 2}});
  check("3:100", {4}, {1}, {{0, 3, 1}});
  check("2:1", {4}, {0}, {});
  check("0, 1", {2, 2}, {}, {{0, 1, 1}});
}

TEST(Slice, JoinsNeighbours) { check("0:2, :", {4, 3}, {2, 3}, {{0, 0, 6}}); }

TEST(Slice, TellsTheColumnOfWhatItCannotRead) {
  for (const auto& [text, message] : {
           std::pair("", "column 1: expected a number or a colon"),
           std::pair("1:2;", "column 4: expected a comma or the end"),
           std::pair("::0", "column 4: a step must be at least 1"),
           std::pair("1,,2", "column 3: expected a number or a colon"),
       }) {
    const Result<Slice> slice = Slice::parse(text);
    ASSERT_FALSE(slice) << text;
    EXPECT_EQ(slice.error().message, message);
  }
}

TEST(Slice, RefusesWhatTheTensorDoesNotHave) {
  EXPECT_EQ(Slice::parse("4")->layout({4, 2}).error().message,
            "slice '4' asks for 4 of dimension 0, which has 4");
  EXPECT_EQ(Slice::parse(":, :")->layout({4}).error().message,
            "slice ':, :' has 2 entries, and shape [4] has 1 dimensions");
}

}  // namespace
}  // namespace loadproof
