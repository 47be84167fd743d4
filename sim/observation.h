// What a world saw: everything that oracles and reports may know of a case that has run.
//
// Plain values, no torch type and no pointer into a world. Ranks, steps and tensors are in a fixed
// order, so that two runs of a case give equal observations.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/device.h"
#include "sim/dtype.h"
#include "sim/state.h"
#include "sim/tensor_spec.h"

namespace loadproof {

// Consecutive elements of a tensor, in row-major order, that share a state. `chain` tells the whole
// story, nearest first: "received from rank 0 at sync; loaded from model.safetensors, key K, bytes
// A to B".
struct StateRange {
  int64_t begin = 0, end = 0;  // elements
  StateKind kind = StateKind::kUndefined;  // of the last event
  StateKind root = StateKind::kUndefined;  // at the end of the chain
  int32_t step = -1;                       // flat index of the step of the last event, or -1
  int32_t root_step = -1;                  // and of the event at the end of the chain
  int32_t root_rank = -1;                  // on which that happened
  std::string chain;
  bool operator==(const StateRange&) const = default;
};

// A tensor against the value that the model directory gives for it: the file's elements for what is
// in the checkpoint, the config's formula for runtime buffers.
struct Comparison {
  bool known = false;            // the directory says nothing: everything else is unset
  bool from_file = false;        // elements of the store `file`, not a declared or analytic value
  bool equal = false;            // dtype, shape and every bit, or within the tolerance
  int64_t differing = 0;         // elements
  int64_t first_differing = -1;  // element, row-major
  int64_t last_differing = -1;
  int64_t not_from_source = 0;   // elements whose chain does not end at their own place in the file
  std::string reason;  // why not equal, where no element can be compared: "still on meta", …
  // What stands there instead, where origins tell it: shift, permutation, other_tensor,
  // other_store.
  std::string kind;
  std::string story;   // a phrase for that: "holds elements of q from 8 on", …
  bool operator==(const Comparison&) const = default;
};

// Elements [begin, end) of a whole tensor, row-major.
struct ElementRange {
  int64_t begin = 0, end = 0;
  bool operator==(const ElementRange&) const = default;
};
inline constexpr size_t kHeldRangesMax = 1024;

struct TensorObservation {
  std::string name;
  TensorKind kind = TensorKind::kParameter;
  DType declared_dtype = DType::kFloat32;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> declared_shape;
  std::vector<int64_t> shape;
  bool meta = false;
  int32_t storage = -1;          // names with the same number share storage on their rank
  std::string tied_to;           // declared
  std::vector<std::string> flags;
  int64_t elements = 0, nan = 0, inf = 0, zero = 0, one = 0;
  std::array<int64_t, kStateKinds> state_counts{};  // elements by kind at the end of the chain
  std::vector<StateRange> states;  // at most kStateRangesMax, the rest summed up in the last
  Comparison reference;
  Comparison declared;           // the same against what the case's `source` gives
  uint64_t piece = 0;            // of which elements of the whole tensor these are; 0: all of them
  std::vector<ElementRange> held;  // of a piece: those elements, at most kHeldRangesMax ranges
  std::string astray;  // of a tensor that declares its piece: what it holds instead; empty: that
  uint64_t digest = 0;           // of dtype, shape and bytes; 0 on meta
  // Of the elements and their places in the whole tensor: those of pieces add up to that of the
  // whole. 0: the run was not asked for it.
  uint64_t content = 0;
  bool operator==(const TensorObservation&) const = default;
};
inline constexpr size_t kStateRangesMax = 64;

// Elements of a tensor whose content changes what sampling is handed, found by refilling them.
struct Reach {
  std::string tensor;
  int64_t begin = 0, end = 0;  // elements
  StateKind root = StateKind::kUndefined;
  std::string chain;
  bool operator==(const Reach&) const = default;
};

// What one `sample` step read and drew on one rank.
struct Generation {
  int32_t step = -1;
  std::string mode;  // multinomial, greedy, beam, forward
  int64_t logits_elements = 0, nan = 0, inf = 0;  // of the prompt's logits, all positions
  int64_t sampled_nan = 0, sampled_inf = 0;       // of the rows that sampling was handed, summed
  int64_t argmax_last = -1;  // of the prompt's last position; a NaN counts as the greatest
  bool all_equal = false;    // all logits of the last position
  double max_prob = 0;
  std::vector<int64_t> tokens;
  std::string error;         // with the real operation's text; empty: none
  uint64_t logits_digest = 0;
  std::vector<Reach> reaching;   // what must not reach sampling and does
  bool operator==(const Generation&) const = default;
};

// All tensors of one rank at one moment: an `observe` or `sample` step, or the end.
struct Point {
  std::string id;     // the step's id, or "end"
  int32_t step = -1;  // flat index, or -1 for the end
  bool sampled = false;
  std::vector<TensorObservation> tensors;
  bool operator==(const Point&) const = default;
};

// A tensor that a failed update left otherwise than it was before it.
struct ChangedTensor {
  std::string name;
  bool judged = true;  // one of those that the update is about
  StateKind state = StateKind::kUndefined;  // at the end of the chain of the worst bytes
  std::string chain;
  bool operator==(const ChangedTensor&) const = default;
};

// An `update` that an error ended on one rank; the rank went on with the step after it.
struct FailedUpdate {
  int32_t step = -1;       // of the update itself
  int32_t raised_at = -1;  // of the step inside it that raised
  std::string error;
  std::string on_error;    // leave, restore
  int64_t run = 0;         // how often the rank had run this update before
  int64_t points = 0;      // of the rank, taken before it failed
  std::vector<std::string> unchanged;  // of those that it is about: storage and states as before
  std::vector<ChangedTensor> changed;  // of all
  bool operator==(const FailedUpdate&) const = default;
};

// An `update` that a rank has run to its end.
struct FinishedUpdate {
  int32_t step = -1;
  int64_t run = 0;
  std::vector<std::string> changed;  // of those that it is about
  bool operator==(const FinishedUpdate&) const = default;
};

enum class Outcome : uint8_t { kFinished, kRaised, kDiedSampling, kBlocked, kAborted };
std::string_view name(Outcome outcome);

struct RankObservation {
  int rank = 0;
  Outcome outcome = Outcome::kFinished;
  int32_t stopped_at = -1;  // flat step index of what it raised at or waits at; -1: finished
  std::string error;        // of kRaised, kDiedSampling, kAborted
  std::vector<Point> points;            // in the order they were taken; the last one is the end
  std::vector<Generation> generations;
  std::vector<FailedUpdate> failed_updates;  // in the order in which they failed
  std::vector<FinishedUpdate> finished_updates;
  int64_t reserved_peak = 0;            // bytes, by the ledger
  int32_t reserved_peak_step = -1;
  int64_t device_peak = 0;              // the same of real devices, where its tensors are on one
  int32_t device_peak_step = -1;
  bool operator==(const RankObservation&) const = default;
};

// One collective that went wrong although all its members came: they did not say the same, or it
// came too late for some, or its transport failed.
struct MismatchObservation {
  std::string kind;  // op, source, name, shape, dtype, size, timeout, transport, member
  bool fatal = false;
  std::string text;
  std::vector<int> ranks;    // those that differ from the first member or the source
  std::vector<std::string> tensors;  // as those ranks call it
  int32_t step = -1;         // of the first of `ranks`
  bool operator==(const MismatchObservation&) const = default;
};

// One rank that can go on no more, and why.
struct WaitObservation {
  int rank = 0;
  int32_t step = -1;
  std::string op, tensor, group;
  int64_t sequence = 0;
  std::vector<int> missing;  // members that have not come and never will
  std::string text;          // a sentence: who waits for whom, where those are
  bool operator==(const WaitObservation&) const = default;
};

// A step that did nothing, or what another has undone, on ranks that ran it.
struct VacuousObservation {
  int32_t step = -1;
  std::vector<int> ranks;
  std::string selector;
  std::string kind = "empty";  // or nothing_read, nothing_written, overwritten
  std::string text;            // of another kind than empty: a sentence
  std::vector<std::string> tensors;  // of another kind: those that it is about
  bool operator==(const VacuousObservation&) const = default;
};

// The most that a rank, a node or a device held at once; bytes.
struct PeakObservation {
  // Of a rank and of a node it is the host's memory; a device has that of all ranks that run on it.
  enum class Holder : uint8_t { kRank, kNode, kDevice };
  Holder holder = Holder::kRank;
  int index = 0;            // of the rank, the node, or the device: node * devices per node + …
  std::vector<int> alike;   // of a dry run: those that hold as much, this one first; else empty
  int64_t resident = 0;     // that somebody had written
  int64_t reserved = 0;     // with what nobody had
  int32_t step = -1;        // at which `resident` stood
  int rank = -1;            // that ran it
  // How it came to that: each step that took it above all before, with the most that it held then.
  struct Rise {
    int32_t step = -1;
    int rank = -1;
    MemoryUse to;
    bool operator==(const Rise&) const = default;
  };
  std::vector<Rise> rises;
  bool operator==(const PeakObservation&) const = default;
};
std::string_view name(PeakObservation::Holder holder);

// What a rank held once a step was over, and the most within it: a tensor and what replaces it
// stand side by side for a moment.
struct MemorySample {
  int32_t step = -1;
  ByDevice<MemoryUse> most, after;
  int64_t committed = -1;  // host bytes after the step, by the kernel's own count; -1: not asked
  bool operator==(const MemorySample&) const = default;
};

// A storage, by the first of its names.
struct Standing {
  std::string tensor;
  MemoryUse bytes;
  bool needed = true;  // read by a later step, or a tensor of the model that is there at the end
  bool operator==(const Standing&) const = default;
};

struct MemoryPeak {
  MemoryUse most;      // when the most was resident
  int32_t step = -1;   // -1: this memory was never used
  std::vector<Standing> standing;  // the largest first
  bool operator==(const MemoryPeak&) const = default;
};

// What a rank held over its steps.
struct MemoryObservation {
  std::vector<int> ranks;  // ascending: one, or of a dry run all that hold the same
  std::vector<MemorySample> samples;  // of steps and meetings that changed something, in order
  ByDevice<MemoryPeak> peaks;
  bool operator==(const MemoryObservation&) const = default;
};

// Something that another run of the case, with one thing changed, left otherwise.
struct TwinDifference {
  std::string axis, value;  // what was changed, and to what
  int rank = -1;            // -1: of the world as a whole, where the worlds differ in size
  std::string tensor;       // "": the rank ended otherwise
  std::string text;         // a phrase
  bool operator==(const TwinDifference&) const = default;
};

// What loading costs beside memory. Bytes, and for each kind the seconds that it adds to an
// estimate from stated bandwidths (sim/links.h).
struct CostObservation {
  struct Item {
    int64_t bytes = 0;
    double seconds = 0;
    bool operator==(const Item&) const = default;
  };
  // Of all ranks together; of links between ranks every hop counts.
  Item storage_read, storage_written, host_memory, host_device, intra_node, inter_node;
  double stated = 0;   // seconds that steps say by themselves
  double seconds = 0;  // from the first step to the last, for the slowest; less than the sum where
                       // ranks work side by side
  struct Reads {       // files of the nodes that read alike
    std::vector<int> nodes;
    int64_t bytes = 0, reads = 0;
    bool operator==(const Reads&) const = default;
  };
  std::vector<Reads> reads;  // by first node; those that read nothing are left out
  bool operator==(const CostObservation&) const = default;
};

// What another variant of the case held.
struct BaselineObservation {
  std::string variant;
  std::vector<PeakObservation> peaks;  // as those of the case
  bool operator==(const BaselineObservation&) const = default;
};

// How often the elements of a tensor were written, by steps and collectives; names that share
// storage are one, the first.
struct WritesObservation {
  int rank = 0;
  std::string tensor;
  int64_t most = 0;            // of any element
  int64_t begin = 0, end = 0;  // the first of those
  int32_t step = -1;           // that wrote these last
  bool operator==(const WritesObservation&) const = default;
};

struct StepLabel {
  std::string id, verb, file;
  int line = 0;
  bool operator==(const StepLabel&) const = default;
};

struct Observation {
  std::vector<StepLabel> steps;  // by flat index
  std::vector<RankObservation> ranks;
  std::vector<MismatchObservation> mismatches;
  std::vector<WaitObservation> waits;
  std::string wait_report;       // the wait-for graph in words; empty: nobody waits
  std::vector<VacuousObservation> vacuous;
  // By rank, then by node, then by device; empty: nobody asked.
  std::vector<PeakObservation> peaks;
  std::vector<MemoryObservation> memory;  // by rank; where peaks are
  std::vector<CostObservation> cost;      // one, where peaks are
  std::vector<TwinDifference> twins;   // set by who has run the twins
  std::vector<BaselineObservation> baselines;  // and by who has run those variants
  std::vector<WritesObservation> writes;  // by rank, where the case limits them
  int64_t events = 0;
  uint64_t fingerprint = 0;  // of states, bytes moved and tokens; the same on every backend
  bool operator==(const Observation&) const = default;
};

// The point at which value oracles look at a rank: the last one that sampling read, else the end;
// with `at`, the last one of that id. nullptr: the rank never got there.
const Point* judged_point(const RankObservation& rank, std::string_view at = {});

}  // namespace loadproof
