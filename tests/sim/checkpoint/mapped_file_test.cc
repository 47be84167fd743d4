#include "sim/checkpoint/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <utility>

#include "tests/sim/checkpoint/hand_made.h"

namespace loadproof::sim {
namespace {

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  const ScratchDirectory scratch;
  scratch.put("file", "some bytes");
  const auto file = map_file(scratch.path() / "file");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->bytes().size(), 10U);
  EXPECT_EQ(std::memcmp(file->bytes().data(), "some bytes", 10), 0);
}

TEST(MappedFile, KeepsTheAddressWhenItIsMoved) {
  const ScratchDirectory scratch;
  scratch.put("a", "one");
  scratch.put("b", "two");
  auto a = map_file(scratch.path() / "a");
  auto b = map_file(scratch.path() / "b");
  ASSERT_TRUE(a && b);
  const std::byte* address = a->bytes().data();
  MappedFile moved = std::move(*a);
  EXPECT_EQ(moved.bytes().data(), address);
  EXPECT_TRUE(a->bytes().empty());
  *b = std::move(moved);
  EXPECT_EQ(b->bytes().data(), address);
  EXPECT_EQ(std::to_integer<char>(b->bytes()[0]), 'o');
}

TEST(MappedFile, MapsAnEmptyFile) {
  const ScratchDirectory scratch;
  scratch.put("empty", "");
  const auto file = map_file(scratch.path() / "empty");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, SaysWhichFileIsMissing) {
  const auto file = map_file("/nowhere/model.safetensors");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message,
            "cannot open /nowhere/model.safetensors: No such file or directory");
}

TEST(MappedFile, RefusesWhatIsNoRegularFileWithoutWaiting) {
  const ScratchDirectory scratch;
  const auto pipe = scratch.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& path : {pipe, scratch.path()}) {
    const auto file = map_file(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().message, "cannot read " + path.string() + ": it is not a regular file");
  }
}

}  // namespace
}  // namespace loadproof::sim
