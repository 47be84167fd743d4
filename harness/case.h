// One point of a scenario's axes, complete: what a world needs to run it and what must come out.
//
// Plain values without torch or YAML types. Made by expand() (harness/expand.h) from a Scenario;
// run by the runner; judged by oracles; shown by reporters.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/dtype.h"
#include "sim/links.h"
#include "sim/program.h"
#include "sim/store_spec.h"
#include "sim/tensor_spec.h"

namespace loadproof::harness {

// A tensor that a scenario adds to the model, or a model of its own where there is no `model:`.
struct ExtraTensor {
  TensorSpec spec;
  std::string module;       // "outermost" or a child module's name; flags on modules refer to it
  std::string value;        // as it is written; empty: none
  Where where;
};

// What must come out of one oracle.
enum class Expected : uint8_t { kPass, kFail, kFree };

struct Expectation {
  Expected expected = Expected::kPass;
  std::optional<RankSet> ranks;      // exactly these ranks must fail
  // Exactly these tensors must be named; of names, kinds, `file`, `tied` and slices only.
  std::optional<Selector> of;
  std::optional<std::string> state;  // every finding's state at the end of its chain
  // Only under these it must fail; under another it is free, but in this place. Empty: under all.
  std::vector<std::string> fills;
  // The oracle's own words: every finding is of one of them, and each is found. Empty: any.
  std::vector<std::string> kinds;
  std::optional<std::string> at;     // the point or the step
  std::optional<int> from_rank;      // the chain of every finding ends at this rank
  std::vector<std::string> names;    // texts that the findings must contain, each at least once
  Where where;
};

// A step whose input is bad, so that ranks must raise there, with texts that have all names.
struct Refusal {
  std::string at;  // the step
  std::vector<std::string> names;
  std::optional<RankSet> ranks;  // nothing: those that run the step
  Where where;
};

// The tokens that ranks must have drawn, whatever the oracles say.
struct ExpectedTokens {
  RankSet ranks;
  std::string at;                  // the sample step; empty: the last one that the rank ran
  std::vector<int64_t> tokens;
  std::vector<std::string> fills;  // under these fills alone; empty: under all
  Where where;
};

// Bytes that must not be exceeded, or a share of what another variant of the case holds.
struct Limit {
  int64_t bytes = 0;
  double share = 0;     // of what `variant` holds in the same place; 1 is as much
  std::string variant;  // empty: `bytes` counts
  bool operator==(const Limit&) const = default;
};

// By what holds: the host memory of a rank, that of a node, and a device. Nothing: no limit.
struct Budget {
  std::optional<Limit> rank_resident, rank_reserved, node_resident, node_reserved, device_resident,
      device_reserved;
  std::array<const std::optional<Limit>*, 6> all() const {
    return {&rank_resident, &rank_reserved,   &node_resident,
            &node_reserved, &device_resident, &device_reserved};
  }
  bool any() const {
    return std::ranges::any_of(all(), [](const auto* limit) { return limit->has_value(); });
  }
  bool operator==(const Budget&) const = default;
};

struct Twin;

struct Case {
  std::string id;        // "PATH/axis=value/…"
  std::string scenario;  // the file's path, as given
  std::string about, reference;
  std::vector<std::pair<std::string, std::string>> axes;  // in the scenario's order
  std::vector<std::string> labels;                        // folders and variant, for ctest
  Topology topology;
  std::string model;           // directory, from the working directory; empty: none
  std::optional<DType> dtype;  // asked of the model; nothing: the checkpoint's own
  std::string fill = "nan";
  std::string backend = "gloo";
  std::string device = "cpu";
  std::string attention = "sdpa";
  uint64_t seed = 7;
  uint64_t schedule = 0;  // as of sim::WorldSpec
  bool dry = false;       // on shapes alone
  Links links;
  Budget budget;
  std::optional<int64_t> writes_max;  // how often any element may be written
  std::optional<Refusal> refuse;
  std::vector<ExtraTensor> tensors;
  std::vector<StoreSpec> stores;
  Program program;
  std::optional<Program> source;  // gives tensors the values that they must have at the end
  std::map<std::string, Expectation> expect;  // by oracle; what is absent must pass
  std::vector<ExpectedTokens> tokens;
  std::vector<Twin> twins;  // other runs that must leave the same
  std::vector<Twin> baselines;  // variants that the budget is told in shares of
};

// The case with one thing changed, which must not matter.
struct Twin {
  std::string axis, value;
  Case plan;
};

}  // namespace loadproof::harness
