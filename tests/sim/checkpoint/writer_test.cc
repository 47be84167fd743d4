#include "sim/checkpoint/writer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/checkpoint/checkpoint.h"
#include "sim/checkpoint/mapped_file.h"
#include "sim/checkpoint/safetensors.h"
#include "tests/sim/checkpoint/hand_made.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;

TensorToWrite tensor(std::string name, DType dtype, std::vector<int64_t> shape,
                     std::string_view data) {
  return {std::move(name), dtype, std::move(shape), bytes_of(data)};
}

std::string fault(const std::vector<TensorToWrite>& tensors,
                  const SafetensorsMetadata& metadata = {}) {
  const auto file = serialize_safetensors(tensors, metadata);
  return file ? "" : file.error().message;
}

TEST(Writer, WritesRealFilesByteForByteAsTheRealLibraryDid) {
  for (const auto& entry : fs::recursive_directory_iterator("scenarios/models")) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto original = map_file(entry.path());
    ASSERT_TRUE(original);
    const auto header = parse_safetensors(original->bytes(), entry.path().string());
    ASSERT_TRUE(header) << header.error().message;
    const auto data = original->bytes().subspan(static_cast<size_t>(header->data_offset));
    std::vector<TensorToWrite> tensors;
    for (const TensorEntry& t : header->tensors)
      tensors.push_back(
          {t.name, t.dtype, t.shape,
           data.subspan(static_cast<size_t>(t.begin), static_cast<size_t>(t.end - t.begin))});
    std::reverse(tensors.begin(), tensors.end());
    const auto again = serialize_safetensors(tensors, header->metadata);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(std::equal(again->begin(), again->end(), original->bytes().begin(),
                           original->bytes().end()))
        << entry.path();
  }
}

TEST(Writer, RoundTripsEveryDTypeNamesAndMetadata) {
  const ScratchDirectory scratch;
  const std::string data = "0123456789abcdef";
  std::vector<TensorToWrite> tensors;
  for (DType dtype : kAllDTypes)
    tensors.push_back(tensor(std::string(name(dtype)) + " \"ä\n", dtype, {2, 1},
                             std::string_view(data).substr(0, 2 * size_t(item_size(dtype)))));
  tensors.push_back(tensor("scalar", DType::kInt16, {}, "xy"));
  tensors.push_back(tensor("empty", DType::kFloat32, {0, 9}, ""));
  const SafetensorsMetadata metadata = {{"format", "pt"}, {"quote", "\"\\"}};
  const auto written = write_safetensors(scratch.path() / "model.safetensors", tensors, metadata);
  ASSERT_TRUE(written) << written.error().message;

  const auto checkpoint = Checkpoint::open(scratch.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  ASSERT_EQ(checkpoint->tensors().size(), tensors.size());
  for (const TensorToWrite& expected : tensors) {
    const CheckpointTensor* read = checkpoint->find(expected.name);
    ASSERT_NE(read, nullptr) << expected.name;
    EXPECT_EQ(read->dtype, expected.dtype);
    EXPECT_EQ(read->shape, expected.shape);
    EXPECT_TRUE(std::equal(read->bytes.begin(), read->bytes.end(), expected.bytes.begin(),
                           expected.bytes.end()));
    EXPECT_EQ(read->file_begin % item_size(read->dtype), 0) << "the widest come first";
  }
  const auto file = map_file(scratch.path() / "model.safetensors");
  EXPECT_EQ(parse_safetensors(file->bytes(), "f")->metadata, metadata);
}

TEST(Writer, RefusesTensorsThatAreNotSound) {
  EXPECT_EQ(fault({tensor("a", DType::kInt8, {2}, "xyz")}),
            "cannot write tensor \"a\": I8 [2] does not have 3 bytes");
  EXPECT_EQ(fault({tensor("a", DType::kInt8, {-1}, "")}),
            "cannot write tensor \"a\": its shape [-1] has a negative extent");
  EXPECT_EQ(fault({tensor("__metadata__", DType::kInt8, {1}, "x")}),
            "cannot write tensor \"__metadata__\": its name is reserved");
  EXPECT_EQ(fault({tensor("a", DType::kInt8, {1}, "x"), tensor("a", DType::kFloat32, {1}, "wxyz")}),
            "cannot write tensor \"a\": its name is used twice");
  EXPECT_EQ(fault({tensor("\xff", DType::kInt8, {1}, "x")}),
            "cannot write \"\\xff\": it is not UTF-8");
  EXPECT_EQ(fault({}, {{"k", "\xc0"}}), "cannot write \"\\xc0\": it is not UTF-8");
}

TEST(Writer, LeavesAnOlderFileAndItsMappingAlone) {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "model.safetensors";
  const std::vector<TensorToWrite> old = {tensor("a", DType::kInt8, {3}, "old")};
  ASSERT_TRUE(write_safetensors(path, old, {}));
  const auto mapping = map_file(path);
  ASSERT_TRUE(mapping);
  ASSERT_TRUE(write_safetensors(path, std::vector{tensor("a", DType::kInt8, {3}, "new")}, {}));
  EXPECT_EQ(std::to_integer<char>(mapping->bytes().back()), 'd');
  EXPECT_EQ(std::to_integer<char>(map_file(path)->bytes().back()), 'w');

  EXPECT_FALSE(write_safetensors(path, std::vector{tensor("a", DType::kInt8, {9}, "bad")}, {}));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1) << "nothing is left over";
}

TEST(Writer, SaysWhyAFileCannotBeWritten) {
  const auto written = write_safetensors("/nowhere/model.safetensors", {}, {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message,
            "cannot write /nowhere/model.safetensors: No such file or directory");
  const ScratchDirectory scratch;
  fs::create_directory(scratch.path() / "taken");
  EXPECT_EQ(write_safetensors(scratch.path() / "taken", {}, {}).error().message,
            "cannot write " + (scratch.path() / "taken").string() + ": Is a directory");
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1) << "nothing is left over";
}

}  // namespace
}  // namespace loadproof::sim
