#include "sim/fenced/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace loadproof::sim {
namespace {

std::vector<std::byte> filled(size_t bytes, Fill fill) {
  std::vector<std::byte> expected(bytes);
  fill_bytes(expected.data(), bytes, fill);
  return expected;
}

bool holds(const void* address, const std::vector<std::byte>& expected) {
  return std::memcmp(behind_fence(address), expected.data(), expected.size()) == 0;
}

TEST(FencedMemory, CannotBeReadOrWrittenAtItsAddress) {
  auto* address = static_cast<volatile char*>(allocate_fenced(64));
  EXPECT_DEATH(static_cast<void>(address[0]), "");
  EXPECT_DEATH(address[0] = 1, "");
  free_fenced(const_cast<char*>(address));
}

TEST(FencedMemory, HoldsTheFillWhenFreshAndWhenReused) {
  for (const FillInfo& info : fills())
    for (const size_t bytes : {1u, 2u, 513u, 100'001u}) {
      set_fenced_fill(info.fill);
      void* first = allocate_fenced(bytes);
      EXPECT_TRUE(holds(first, filled(bytes, info.fill))) << info.name << " " << bytes;
      std::memset(behind_fence(first), 1, bytes);
      free_fenced(first);
      void* second = allocate_fenced(bytes);
      EXPECT_EQ(second, first);
      EXPECT_TRUE(holds(second, filled(bytes, info.fill))) << info.name << " " << bytes;
      free_fenced(second);
    }
  set_fenced_fill(Fill::kNan);
}

TEST(FencedMemory, HoldsTheFreedWordOnceItIsFreed) {
  void* address = allocate_fenced(1000);
  void* bytes = behind_fence(address);
  free_fenced(address);
  std::vector<std::byte> expected(1000);
  fill_words(expected.data(), expected.size(), kFreedWord);
  EXPECT_EQ(std::memcmp(bytes, expected.data(), expected.size()), 0);
}

TEST(FencedMemory, GivesBlocksThatDoNotOverlap) {
  auto* a = static_cast<std::byte*>(allocate_fenced(700));
  auto* b = static_cast<std::byte*>(allocate_fenced(700));
  EXPECT_GE(std::abs(a - b), 700);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 512, 0u);
  free_fenced(a);
  free_fenced(b);
}

TEST(FencedMemory, EndsTheProgramThatFreesTwice) {
  void* address = allocate_fenced(64);
  free_fenced(address);
  EXPECT_DEATH(free_fenced(address), "no live block of the fenced device");
}

TEST(FencedMemory, SaysThatNoneIsLeft) { EXPECT_EQ(allocate_fenced(kFencedBytes + 1), nullptr); }

}  // namespace
}  // namespace loadproof::sim
