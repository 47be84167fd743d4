#include "sim/selector.h"

#include <gmock/gmock.h>

namespace loadproof {
namespace {

using Op = Selector::Op;
using testing::ElementsAre;

// The tree as text, with every operation in parentheses and every leaf by its kind.
std::string shape(const Selector& selector, int index) {
  const Selector::Node& node = selector.nodes().at(static_cast<size_t>(index));
  auto child = [&](int at) { return shape(selector, at); };
  auto bound = [](bool has, int64_t value, bool percent) {
    return has ? std::to_string(value) + (percent ? "%" : "") : std::string();
  };
  switch (node.op) {
    case Op::kName: return "name:" + node.text;
    case Op::kFlag: return "flag:" + node.text;
    case Op::kModule: return "module:" + node.text;
    case Op::kStored: return "stored:" + node.text;
    case Op::kState: return "state:" + std::to_string(static_cast<int>(node.state));
    case Op::kNot: return "(!" + child(node.left) + ")";
    case Op::kAnd: return "(" + child(node.left) + "&" + child(node.right) + ")";
    case Op::kOr: return "(" + child(node.left) + "|" + child(node.right) + ")";
    case Op::kSlice:
      return child(node.left) + "[" + bound(node.has_begin, node.begin, node.begin_percent) + ":" +
             bound(node.has_end, node.end, node.end_percent) + "]";
    default: return "op:" + std::to_string(static_cast<int>(node.op));
  }
}

std::string shape(std::string_view text, const std::set<std::string>& flags = {}) {
  auto selector = Selector::parse(text, flags);
  EXPECT_TRUE(selector) << text << ": " << selector.error().message;
  return selector ? shape(*selector, selector->root()) : "error";
}

TEST(Selector, ReadsNamesKeywordsFlagsAndModules) {
  EXPECT_EQ(shape("lm_head.weight"), "name:lm_head.weight");
  EXPECT_EQ(shape("model.layers.*.mlp.?_proj"), "name:model.layers.*.mlp.?_proj");
  EXPECT_EQ(shape("ready"), "name:ready");
  EXPECT_EQ(shape("ready", {"ready"}), "flag:ready");
  EXPECT_EQ(shape("module(*RMSNorm)"), "module:*RMSNorm");
  EXPECT_EQ(shape("module( Linear )"), "module:Linear");
  EXPECT_EQ(shape("stored(out)"), "stored:out");
  EXPECT_EQ(shape("module.weight"), "name:module.weight");
}

TEST(Selector, KnowsEveryListedWord) {
  for (const SelectorWord& word : selector_words()) {
    auto selector = Selector::parse(word.word, {std::string(word.word)});
    ASSERT_TRUE(selector);
    ASSERT_EQ(selector->nodes().size(), 1u);
    EXPECT_NE(selector->nodes()[0].op, Op::kName) << word.word;
    EXPECT_NE(selector->nodes()[0].op, Op::kFlag) << "a keyword is stronger than a flag";
    EXPECT_FALSE(word.about.empty());
  }
  EXPECT_EQ(Selector::parse("tainted", {})->nodes()[0].state, StateKind::kTainted);
  EXPECT_EQ(Selector::parse("meta", {})->nodes()[0].state, StateKind::kMeta);
}

TEST(Selector, BindsNotThenAndThenOr) {
  EXPECT_EQ(shape("a.x | b.x & !c.x"), "(name:a.x|(name:b.x&(!name:c.x)))");
  EXPECT_EQ(shape("(a.x | b.x) & c.x"), "((name:a.x|name:b.x)&name:c.x)");
  EXPECT_EQ(shape("!a.x[:1]"), "(!name:a.x[:1])");
}

TEST(Selector, Slices) {
  EXPECT_EQ(shape("a.*[:50%]"), "name:a.*[:50%]");
  EXPECT_EQ(shape("a.*[50%:]"), "name:a.*[50%:]");
  EXPECT_EQ(shape("a.*[2:4]"), "name:a.*[2:4]");
  EXPECT_EQ(shape("a.*[-1:]"), "name:a.*[-1:]");
  EXPECT_EQ(shape("a.*[ : ]"), "name:a.*[:]");
  EXPECT_EQ(shape("a.*[3]"), "name:a.*[3:4]");
  EXPECT_EQ(shape("a.*[-1]"), "name:a.*[-1:]");
  EXPECT_EQ(shape("a.*[-2]"), "name:a.*[-2:-1]");
  EXPECT_EQ(shape("(a.x | b.x)[1:][:1]"), "(name:a.x|name:b.x)[1:][:1]");
}

TEST(Selector, TellsItsNamesAndWhereTheyStand) {
  const auto selector = Selector::parse("param & !b.* |  it", {}).value();
  EXPECT_THAT(selector.name_patterns(), ElementsAre("b.*"));
  EXPECT_TRUE(selector.mentions(Op::kIt));
  EXPECT_FALSE(selector.mentions(Op::kFlag));
  EXPECT_EQ(selector.nodes()[1].column, 10);
  EXPECT_FALSE(selector.empty());
  EXPECT_TRUE(Selector().empty());
}

TEST(Selector, SaysInWhichColumnATextIsWrong) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "column 1: expected a term, the text ends here"},
      {"param &", "column 8: expected a term, the text ends here"},
      {"param buffer", "column 7: expected `&`, `|` or the end before `buffer`"},
      {"$x", "column 1: expected a selector (a keyword, a flag or a name) before `$x`"},
      {"stored()", "column 8: expected a store before `)`"},
      {"module()", "column 8: expected a module type before `)`"},
      {"module(Linear", "column 14: expected `)`, the text ends here"},
      {"param[", "column 7: expected a number, the text ends here"},
      {"param[1:2", "column 10: expected `]`, the text ends here"},
      {"param[:101%]", "column 8: a percentage is between 0% and 100%"},
      {"param[:-1%]", "column 8: a percentage is between 0% and 100%"},
      {"param[50%]", "column 7: a percentage needs a range, such as [:50%]"},
      {"(param", "column 7: expected `)`, the text ends here"},
      {std::string(65, '!') + "param", "column 65: nested more than 64 deep"},
  };
  for (const auto& [text, message] : rows) {
    auto selector = Selector::parse(text, {});
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().message, message) << text;
  }
}

}  // namespace
}  // namespace loadproof
