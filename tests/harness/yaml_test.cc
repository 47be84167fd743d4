#include "harness/yaml.h"

#include <gmock/gmock.h>

namespace loadproof::harness {
namespace {

Node parse(std::string_view text) {
  Diagnostics diagnostics;
  auto node = parse_yaml(text, "x.yaml", diagnostics);
  EXPECT_TRUE(node && diagnostics.empty()) << print(diagnostics.sorted(), {});
  return node.value_or(Node());
}

std::string first_problem(std::string_view text) {
  Diagnostics diagnostics;
  parse_yaml(text, "x.yaml", diagnostics);
  return diagnostics.empty() ? "" : diagnostics.sorted()[0].message;
}

TEST(Yaml, KeepsOrderAndPlaces) {
  const Node root = parse("b: 1\na:\n  - x\n  - {k: \"v w\"}\n");
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.entries[1].where, (Where{"x.yaml", 2, 1}));
  const Node& list = root.find("a")->value;
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].where, (Where{"x.yaml", 3, 5}));
  const Entry* entry = list.items[1].find("k");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->value.text, "v w");
  EXPECT_TRUE(entry->value.quoted);
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_EQ(inside(entry->value, 3), (Where{"x.yaml", 4, 12}));
  EXPECT_EQ(root.find("nothing"), nullptr);
}

TEST(Yaml, TellsPlacesInsideAScalarOnlyWhereTheSourceHasItAsItIs) {
  const Node root = parse("a: \"x\\ty z\"\nb: |\n  text\n  more\n");
  EXPECT_EQ(inside(root.entries[0].value, 3), root.entries[0].value.where);
  EXPECT_EQ(inside(root.entries[1].value, 3), root.entries[1].value.where);
}

TEST(Yaml, GivesNothingThePlaceOfItsKey) {
  const Node root = parse("a:\nb: ~\n");
  EXPECT_TRUE(root.entries[0].value.is_null());
  EXPECT_EQ(root.entries[0].value.where, (Where{"x.yaml", 1, 1}));
  EXPECT_TRUE(root.entries[1].value.is_null());
}

TEST(Yaml, TakesBooleansAndNumbersAsKeysInQuotes) {
  const Node root = parse("\"on\": 1\n\"5.3\": 2\n5.3.0: 3\n");
  EXPECT_EQ(root.entries[0].key, "on");
  EXPECT_EQ(root.entries[2].key, "5.3.0");
  for (std::string_view word : {"on", "Off", "YES", "no", "true", "False"})
    EXPECT_EQ(first_problem(std::string(word) + ": 1\n"),
              "the key \"" + std::string(word) + "\" is a boolean in YAML 1.1");
}

TEST(Yaml, EndsWhereTheFileHasMoreThanOneMap) {
  const std::string message = "text after the end of the file's one map";
  EXPECT_EQ(first_problem("{a: b}, {c: d}\n"), message);
  EXPECT_EQ(first_problem("[a], [b]\n"), message);
  EXPECT_EQ(first_problem("{a: b}}\n"), "this is no YAML: illegal flow end");
  EXPECT_EQ(first_problem("a: b\n---\nc: d\n"), "a second document in one file");
}

TEST(Yaml, HasLimits) {
  EXPECT_EQ(first_problem(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_EQ(first_problem(std::string(65, '[') + std::string(65, ']')), "nested more than 64 deep");
  EXPECT_EQ(first_problem(std::string(400, '[') + std::string(400, ']')),
            "nested more than 64 deep");
  EXPECT_NE(first_problem(std::string(100'000, '[')), "");
  EXPECT_EQ(first_problem("a: " + std::string(kYamlBytesMax, 'x')), "the file has more than 1 MiB");
  EXPECT_EQ(first_problem(std::string_view("a: b\0c", 6)),
            "the file contains a zero byte: it is no text");
}

TEST(Diagnostics, AreShownWithTheLineAndACaret) {
  const Sources sources = {{"x.yaml", "a: b\n\tgrün: [x]\r\n"}};
  const Diagnostic diagnostic{{"x.yaml", 2, 8}, "wrong", "did you mean \"y\"?"};
  EXPECT_EQ(print(diagnostic, sources),
            "x.yaml:2:8: error: wrong\n"
            "    2 | \tgrün: [x]\n"
            "      | \t     ^\n"
            "      = did you mean \"y\"?\n");
  EXPECT_EQ(print({{"gone.yaml", 2, 8}, "wrong", ""}, sources), "gone.yaml:2:8: error: wrong\n");
  EXPECT_EQ(print({{"--only", 0, 0}, "no axis", "it has none"}, sources),
            "--only: error: no axis\n  = it has none\n");
}

TEST(Diagnostics, AreSortedByPlaceAndShownOnce) {
  Diagnostics diagnostics;
  diagnostics.add({"b", 1, 1}, "x");
  diagnostics.add({"a", 2, 1}, "y");
  diagnostics.add({"a", 1, 9}, "z");
  diagnostics.add({"b", 1, 1}, "x");
  const auto sorted = diagnostics.sorted();
  ASSERT_EQ(sorted.size(), 3u);
  EXPECT_EQ(sorted[0].message, "z");
  EXPECT_EQ(sorted[1].message, "y");
  EXPECT_EQ(sorted[2].message, "x");
}

}  // namespace
}  // namespace loadproof::harness
