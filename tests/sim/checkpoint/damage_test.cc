#include "sim/checkpoint/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/checkpoint/hand_made.h"

namespace loadproof::sim {
namespace {

using testing::HasSubstr;

// Tensors a and b of four bytes each, of which b's are 4 to 7.
std::vector<std::byte> two_tensors() {
  const std::string text =
      file_of(R"({"__metadata__":{"format":"pt"},)"
              R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
              R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8);
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

Result<SafetensorsHeader> changed(const HeaderChange& change, HeaderRules rules = {}) {
  std::vector<std::byte> file = two_tensors();
  if (auto done = change_header(file, "f", change); !done)
    return tl::make_unexpected(done.error());
  return parse_safetensors(file, "f", rules);
}

TEST(HeaderDamage, ChangesWhatAHeaderSaysOfOneTensor) {
  const auto header = changed({.tensor = "b", .dtype = DType::kInt32, .rename = "c\"d"});
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->tensors[0].name, "a");
  EXPECT_EQ(header->tensors[1], (TensorEntry{"c\"d", DType::kInt32, {1}, 4, 8}));
  EXPECT_EQ(header->metadata.at("format"), "pt");
}

TEST(HeaderDamage, MovesATensorAsFarAsItGoes) {
  EXPECT_THAT(changed({.tensor = "b", .offset = -2}).error().message, HasSubstr("overlap"));
  EXPECT_EQ(changed({.tensor = "b", .offset = -2}, {.any_layout = true, .trailing = true})
                ->tensors[1].begin, 2);
  EXPECT_EQ(changed({.tensor = "b", .offset = -5}).error().message,
            "f: b cannot begin 5 bytes before byte 4 of the data");
}

TEST(HeaderDamage, AddsASecondEntryAndItsBytes) {
  const HeaderChange twice{.tensor = "a", .again = std::vector<std::byte>(4)};
  EXPECT_THAT(changed(twice).error().message, HasSubstr("\"a\" is there twice"));
  EXPECT_EQ(changed(twice, {.trailing = true, .twice = Twice::kFirst})->tensors[0].begin, 0);
  EXPECT_EQ(changed(twice, {.any_layout = true, .twice = Twice::kLast})->tensors[1].begin, 8);
}

TEST(HeaderDamage, FindsAnEntryAndTheData) {
  const std::vector<std::byte> file = two_tensors();
  EXPECT_EQ(data_offset_of(file, "f").value(), static_cast<int64_t>(file.size()) - 8);
  EXPECT_EQ(entry_of(file, "f", "b").value()->begin, 4);
  EXPECT_FALSE(entry_of(file, "f", "x").value());
  EXPECT_EQ(changed({.tensor = "x"}).error().message, "f has no tensor \"x\"");
  EXPECT_EQ(data_offset_of(std::vector<std::byte>(5), "f").error().message,
            "f ends before its data");
}

}  // namespace
}  // namespace loadproof::sim
