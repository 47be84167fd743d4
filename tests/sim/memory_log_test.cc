#include "sim/memory_log.h"

#include <gtest/gtest.h>

namespace loadproof::sim {
namespace {

// Slots: two parameters and scratch.
std::vector<TensorSpec> specs() {
  std::vector<TensorSpec> all(3);
  all[0].name = "a";
  all[1].name = "b";
  all[2].name = "scratch";
  all[2].kind = TensorKind::kScratch;
  return all;
}

std::vector<std::string> standing(const MemoryPeak& peak) {
  std::vector<std::string> told;
  for (const Standing& one : peak.standing)
    told.push_back(one.tensor + (one.needed ? "" : " no longer needed"));
  return told;
}

TEST(MemoryLog, NotesWhatIsHeldAfterAStepAndWithinIt) {
  MemoryLog log;
  log.begin(0);
  const int first = log.add(0, Device::kCpu);
  log.set(first, {8, 8});
  log.end();
  log.begin(1);
  const int second = log.add(0, Device::kCpu);  // takes the place of the first
  log.set(second, {2, 4});
  log.set(first, {});
  log.end();
  const MemoryObservation seen = log.observe(3, specs());
  EXPECT_EQ(seen.ranks, std::vector<int>{3});
  ASSERT_EQ(seen.samples.size(), 2u);
  EXPECT_EQ(seen.samples[1].most[Device::kCpu], (MemoryUse{10, 12}));
  EXPECT_EQ(seen.samples[1].after[Device::kCpu], (MemoryUse{2, 4}));
  EXPECT_EQ(seen.peaks[Device::kCpu].step, 1);
  EXPECT_EQ(seen.peaks[Device::kCuda].step, -1);
}

TEST(MemoryLog, NotesNothingOfAStepThatChangesNothing) {
  MemoryLog log;
  log.begin(0);
  log.end();
  log.set(log.add(0, Device::kCpu), {1, 1});
  log.end();
  log.begin(1);
  log.end();
  EXPECT_EQ(log.observe(0, specs()).samples.size(), 1u);
}

TEST(MemoryLog, MarksWhatNobodyReadsAfterThePeak) {
  MemoryLog log;
  log.begin(0);
  const int a = log.add(0, Device::kCpu), b = log.add(1, Device::kCpu);
  const int scratch = log.add(2, Device::kCpu);
  log.set(a, {4, 4});
  log.read(a);
  log.set(b, {2, 2});
  log.set(scratch, {1, 1});
  log.end();
  log.begin(1);
  log.read(b);
  log.set(a, {});
  log.set(b, {});
  log.end();
  // `a` was read before the peak alone, `b` after it; scratch is there at the end, but of no use.
  EXPECT_EQ(standing(log.observe(0, specs()).peaks[Device::kCpu]),
            (std::vector<std::string>{"a no longer needed", "b", "scratch no longer needed"}));
}

TEST(MemoryLog, KeepsDevicesApart) {
  MemoryLog log;
  log.begin(0);
  log.set(log.add(0, Device::kCpu), {1, 1});
  log.set(log.add(1, Device::kCuda), {0, 9});
  log.end();
  const MemoryObservation seen = log.observe(0, specs());
  EXPECT_EQ(seen.peaks[Device::kCpu].most, (MemoryUse{1, 1}));
  EXPECT_EQ(seen.peaks[Device::kCuda].most, (MemoryUse{0, 9}));  // by what is reserved
  EXPECT_EQ(standing(seen.peaks[Device::kCuda]), std::vector<std::string>{"b"});
}

TEST(MemoryLog, CountsHostBytesThatAreWrittenForTheFirstTime) {
  MemoryLog log;
  const int a = log.add(0, Device::kCpu);
  log.set(a, {4, 8});
  log.set(a, {2, 8});
  log.set(log.add(1, Device::kCuda), {16, 16});
  EXPECT_EQ(log.take_touched(), 4);
  log.set(a, {8, 8});
  EXPECT_EQ(log.take_touched(), 6);
}

}  // namespace
}  // namespace loadproof::sim
