#include "sim/checkpoint/index.h"

#include <gtest/gtest.h>

namespace loadproof::sim {
namespace {

std::string fault(std::string_view text) {
  const auto index = parse_index(text, "i");
  return index ? "" : index.error().message;
}

TEST(Index, ReadsTheWeightMap) {
  const auto index = parse_index(
      R"({"metadata":{"total_size":-1},"weight_map":{"b":"x/2.safetensors","a":"1.safetensors"}})",
      "i");
  ASSERT_TRUE(index) << index.error().message;
  const CheckpointIndex expected = {{{"a", "1.safetensors"}, {"b", "x/2.safetensors"}}};
  EXPECT_EQ(*index, expected);
}

TEST(Index, RefusesWhatIsNoIndex) {
  EXPECT_EQ(fault("{\n\"weight_map\" {}}"),
            "i:2:14: syntax error while parsing object separator - unexpected '{'; expected ':'");
  EXPECT_EQ(fault("[]"), "i: it is an array instead of an object");
  EXPECT_EQ(fault("{}"), "i: it has no \"weight_map\"");
  EXPECT_EQ(fault(R"({"metadata":{},"weights_map":{}})"),
            "i: it has no \"weight_map\" (did you mean \"weights_map\"?)");
  EXPECT_EQ(fault(R"({"weight_map":["a"]})"), "i: \"weight_map\" is an array instead of an object");
  EXPECT_EQ(fault(R"({"weight_map":{}})"), "i: \"weight_map\" is empty");
  EXPECT_EQ(fault(R"({"weight_map":{"a":"1","a":"2"}})"), "i: the key \"a\" is there twice");
}

TEST(Index, RefusesFilesOutsideTheDirectoryAllAtOnce) {
  EXPECT_EQ(
      fault(R"({"weight_map":{"a":"../x","b":"/etc/passwd","c":"","d":"s/../../x","e":"s/","f":7,)"
            R"("g":"ok","h":"x\u0000y"}})"),
      "i: the file of \"a\" is \"../x\", which is no file within the directory\n"
      "i: the file of \"b\" is \"/etc/passwd\", which is no file within the directory\n"
      "i: the file of \"c\" is \"\", which is no file within the directory\n"
      "i: the file of \"d\" is \"s/../../x\", which is no file within the directory\n"
      "i: the file of \"e\" is \"s/\", which is no file within the directory\n"
      "i: the file of \"f\" is a whole number instead of a string\n"
      "i: the file of \"h\" is \"x\\x00y\", which is no file within the directory");
}

}  // namespace
}  // namespace loadproof::sim
