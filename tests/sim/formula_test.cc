#include "sim/formula.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/braces.h"

namespace loadproof {
namespace {

TEST(Formula, GivesEveryFormItsValues) {
  EXPECT_EQ(Formula::parse("0.5")->at(3, 4), 0.5);
  EXPECT_EQ(Formula::parse("-2e3")->at(0, 1), -2000);
  EXPECT_DOUBLE_EQ(Formula::parse("rope(1e4, 8)")->at(1, 4), std::pow(1e4, -0.25));
  EXPECT_EQ(Formula::parse("linspace(1, 3)")->at(2, 5), 2);
  EXPECT_EQ(Formula::parse("linspace(1,3)")->at(4, 5), 3);
  EXPECT_EQ(Formula::parse("linspace(1, 3)")->at(0, 1), 1);
  EXPECT_EQ(Formula::parse("arange(5, -2)")->at(3, 4), -1);
}

TEST(Formula, SaysWhatThereIsWhereATextIsNone) {
  for (const char* text : {"", "two", "nan", "inf", "rope(1)", "rope(1, 2", "rope(1, x)",
                           "wave(1, 2)", "1 2"}) {
    const auto parsed = Formula::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message,
              "a value is a number, rope(theta, head_dim), linspace(first, last), "
              "arange(first, step) or a list of numbers");
  }
}

TEST(Braces, StandForSeveralTextsTheFirstVaryingSlowest) {
  EXPECT_EQ(expand_braces("w.{0..1}.{a,b}", 9),
            (std::vector<std::string>{"w.0.a", "w.0.b", "w.1.a", "w.1.b"}));
  EXPECT_EQ(expand_braces("w", 9), std::vector<std::string>{"w"});
  for (const char* text : {"{3..1}", "{", "w{0..}", "{0..9}"})
    EXPECT_TRUE(expand_braces(text, 9).empty()) << text;
}

TEST(Braces, HoldVariablesToo) {
  const Variables variables{{"name", "w"}, {"rank", "3"}};
  EXPECT_EQ(*fill_in("{name}.{rank}.{0..1}", variables), "w.3.{0..1}");
  EXPECT_EQ(fill_in("{nam}", variables).error().message,
            "'{nam}': there is no {nam}; there are {name} {rank}");
  EXPECT_EQ(fill_in("x{", variables).error().message, "'x{' has a { without a }");
}

TEST(Braces, RenameWithinAVariable) {
  const Variables variables{{"name", "model.layers.0.self_attn.q"}};
  EXPECT_EQ(*fill_in("x.{name/model.//self_attn/attn}", variables), "x.layers.0.attn.q");
  EXPECT_EQ(*fill_in("{name/layers/h/q/}", variables), "model.h.0.self_attn.");
  EXPECT_EQ(*fill_in("{name/nothing/x}", variables), "model.layers.0.self_attn.q");
  for (const char* text : {"{name/}", "{name/model}", "{name//x}"})
    EXPECT_EQ(fill_in(text, variables).error().message,
              std::string("'") + text + "': " + text + " is not {name/OLD/NEW}");
}

}  // namespace
}  // namespace loadproof
