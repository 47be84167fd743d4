#include "sim/checkpoint/strict_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loadproof::sim {
namespace {

std::string error_of(std::string_view text, JsonLimits limits = {}) {
  const auto parsed = parse_json_file(text, "f.json", limits);
  return parsed ? "no error: " + parsed->dump() : parsed.error().message;
}

TEST(StrictJson, BuildsWhatTheLibraryBuilds) {
  for (const char* text :
       {"{}", "[]", "null", "-3", "1.5e3", "\"\\u00e4\"", " [1, [2, {\"a\": [true, null]}], {}] ",
        R"({"b": {"x": [[], [0]]}, "a": "text", "c": 18446744073709551615, "d": [-1, {}]})"}) {
    const auto parsed = parse_strict_json(text, {});
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().reason;
    EXPECT_EQ(*parsed, nlohmann::json::parse(text)) << text;
  }
}

TEST(StrictJson, RefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(error_of(R"({"a": 1, "b": {"a": 2}, "a": 1})"), "f.json: the key \"a\" is there twice");
  EXPECT_EQ(error_of(R"([{"x": {"k": 1, "\u006b": 1}}])"), "f.json: the key \"k\" is there twice");
}

TEST(StrictJson, TakesTheFirstOrTheLastOfAKeyThatIsThereTwice) {
  const char* text = R"({"a": {"x": [1], "x": 2}, "b": 0, "a": {"x": {"y": [3]}}})";
  EXPECT_EQ(error_of(text, {.twice = Twice::kFirst}), R"(no error: {"a":{"x":[1]},"b":0})");
  EXPECT_EQ(error_of(text, {.twice = Twice::kLast}), R"(no error: {"a":{"x":{"y":[3]}},"b":0})");
}

TEST(StrictJson, RefusesTextAfterANulByteWhereTheLibraryStops) {
  using namespace std::string_view_literals;
  ASSERT_TRUE(nlohmann::json::accept("{}\0{]"sv)) << "the reason for the check is gone";
  EXPECT_EQ(error_of("{}\0{]"sv), "f.json:1:3: a NUL byte is not JSON");
}

TEST(StrictJson, LimitsTheDepth) {
  EXPECT_EQ(error_of("[[0]]", {.depth_max = 2}), "no error: [[0]]");
  EXPECT_EQ(error_of("[[{}]]", {.depth_max = 2}), "f.json: it is nested more than 2 levels deep");
  EXPECT_EQ(error_of(std::string(10'000'000, '[')),
            "f.json: it is nested more than 32 levels deep");
}

TEST(StrictJson, LimitsTheLengthOfArrays) {
  EXPECT_EQ(error_of("[1,2]", {.array_length_max = 2}), "no error: [1,2]");
  const std::string message = "f.json: an array has more than 2 elements";
  EXPECT_EQ(error_of("[1,2,3]", {.array_length_max = 2}), message);
  EXPECT_EQ(error_of("[1,2,[]]", {.array_length_max = 2}), message);
}

TEST(StrictJson, SaysLineAndColumn) {
  EXPECT_EQ(error_of("{\n  \"a\": tru\n}"),
            "f.json:2:11: syntax error while parsing value - invalid literal");
  EXPECT_EQ(error_of("{\"a\": 1,}").substr(0, 12), "f.json:1:9: ");
  EXPECT_EQ(error_of("").substr(0, 12), "f.json:1:1: ");
}

TEST(StrictJson, RefusesBytesThatAreNotUtf8WithoutRepeatingThem) {
  EXPECT_EQ(error_of("{\"a\xff\": 1}"),
            "f.json:1:4: syntax error while parsing object key - "
            "invalid string: ill-formed UTF-8 byte");
}

TEST(StrictJson, RefusesNumbersBeyondADouble) {
  EXPECT_EQ(error_of("[1e999]"), "f.json:1:6: number overflow parsing '1e999'");
}

TEST(StrictJson, NamesEveryKindOfValue) {
  const auto kinds = nlohmann::json::parse(R"([null, {}, [], "", true, -1, 1, 0.5])");
  const char* const expected[] = {
      "null",      "an object",         "an array",       "a string",
      "a boolean", "a negative number", "a whole number", "a number that is no 64-bit integer"};
  for (size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(json_kind(kinds[i]), expected[i]);
}

}  // namespace
}  // namespace loadproof::sim
