// What a case held, as a table and a picture of it show it: equal ranks are one, and so are the
// turns of a step.
//
// Pure functions over an Observation. A view holds all that is shown, so that the observation,
// which has every tensor of every rank, need not be kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/case.h"
#include "sim/observation.h"

namespace loadproof::harness {

// Ranks that ended in one way, other than by finishing.
struct Ending {
  std::vector<int> ranks;
  std::string text;  // "raised at step sync (broadcast, x.yaml:6): …"
  bool operator==(const Ending&) const = default;
};

// Nodes or devices that held the same at the same step.
struct Holders {
  PeakObservation::Holder holder = PeakObservation::Holder::kNode;
  std::vector<int> indices;  // ascending
  MemoryUse most;
  int32_t step = -1;
  std::vector<int> ranks;  // that ran it, ascending
  bool operator==(const Holders&) const = default;
};

struct MemoryView {
  std::string id;                         // of the case
  std::vector<StepLabel> steps;           // by flat index; files without their folders
  std::vector<MemoryObservation> groups;  // ranks that hold the same, by the first of them
  std::vector<Holders> holders;           // nodes, then devices; without those that held nothing
  std::vector<Ending> endings;
  std::optional<CostObservation> cost;
  Links links;  // that its seconds are from
};

// What ranks held is told apart by steps, bytes and tensors, not by the kernel's count: of equal
// ranks that is the greatest.
MemoryView memory_view(const Case& plan, const Observation& seen);

// A step of one rank and device, all its turns together.
struct StepRow {
  int32_t step = -1;
  int64_t turns = 0;       // of those that changed what it holds
  MemoryUse after;         // the last turn
  MemoryUse most;          // within any
  int64_t committed = -1;  // the greatest; -1: not asked
  bool operator==(const StepRow&) const = default;
};
// In the order of the program. Empty: the rank holds nothing there.
std::vector<StepRow> step_rows(const MemoryObservation& seen, Device device);

bool is_used(const MemoryObservation& seen, Device device);

// "sync (broadcast, x.yaml:6)"; "" for no step. What is too long loses the middle of its file.
std::string label_text(const MemoryView& view, int32_t step, size_t characters = SIZE_MAX);
// "nodes 1..2047", "device 0"
std::string holders_text(const Holders& holders);
// "sync (broadcast, x.yaml:6), rank 7": where and by whom, in so many characters.
std::string peak_text(const MemoryView& view, const Holders& holders, size_t characters = SIZE_MAX);

// Those to be shown of many, `most` at the greatest heights, in their order.
std::vector<size_t> highest(const std::vector<int64_t>& heights, size_t most);
// Bytes by which groups of ranks are shown before others.
std::vector<int64_t> heights_of(const std::vector<MemoryObservation>& groups);
std::vector<int64_t> heights_of(const std::vector<Holders>& holders);
inline constexpr size_t kGroupsShown = 8;
inline constexpr size_t kHoldersShown = 12;
inline constexpr size_t kNumbersShown = 4;  // of ranks, nodes and devices, runs of them as one

}  // namespace loadproof::harness
