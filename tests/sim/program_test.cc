#include "sim/program.h"

#include <gtest/gtest.h>

namespace loadproof {
namespace {

Step step(std::string verb, std::vector<Step> body = {}) {
  Step made;
  made.verb = std::move(verb);
  made.body = std::move(body);
  return made;
}

TEST(Program, NumbersStepsDepthFirst) {
  Program program{{step("read"), step("each", {step("alloc"), step("each", {step("mark")})}),
                   step("sample")}};
  EXPECT_EQ(number_steps(program), 6);
  const std::vector<const Step*> flat = flat_steps(program);
  const std::vector<std::string> verbs = {"read", "each", "alloc", "each", "mark", "sample"};
  ASSERT_EQ(flat.size(), verbs.size());
  for (size_t i = 0; i < flat.size(); ++i) {
    EXPECT_EQ(flat[i]->index, static_cast<int>(i));
    EXPECT_EQ(flat[i]->verb, verbs[i]);
  }
}

TEST(Program, GivesArgumentsByNameAndType) {
  Step sample = step("sample");
  sample.args.emplace("tokens", int64_t{8});
  sample.args.emplace("with", std::string("greedy"));
  EXPECT_EQ(arg<int64_t>(sample, "tokens"), 8);
  EXPECT_EQ(*optional_arg<std::string>(sample, "with"), "greedy");
  EXPECT_EQ(optional_arg<int64_t>(sample, "with"), nullptr);
  EXPECT_EQ(optional_arg<int64_t>(sample, "absent"), nullptr);
}

}  // namespace
}  // namespace loadproof
