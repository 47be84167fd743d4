// From a program to an observation: the front door of the simulated world, without a torch header.
//
// A Session keeps what cases share: opened checkpoints, described models, pools of backends. It is
// used from one thread; nothing of it leaks into what a case shows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/dtype.h"
#include "sim/links.h"
#include "sim/observation.h"
#include "sim/program.h"
#include "sim/rank_set.h"
#include "sim/result.h"
#include "sim/store_spec.h"
#include "sim/tensor_spec.h"

namespace loadproof::sim {

struct WorldSpec {
  Topology topology;
  std::string backend = "gloo";
  // Where the tensors of ranks are (sim/device_names.h). In a program that names devices, those
  // that it puts on `cuda`; in another all.
  std::string device = "cpu";
  // Of the one rank that this process runs: which of its host's GPUs it has. Nothing: all ranks are
  // here, and have them in their order.
  std::optional<int> local_rank;
  std::string model;                 // directory; empty: only the extras
  std::optional<DType> dtype;        // asked of the model; nothing: the config's own
  std::vector<TensorSpec> extras;    // tensors of the scenario's own
  std::vector<StoreSpec> stores;     // and its stores
  const Program* program = nullptr;  // numbered; outlives the run
  // Gives tensors the values that they must have at the end; run on one rank that holds everything
  // whole. Tensors that it leaves alone have no such value. nullptr: there is none.
  const Program* source = nullptr;
  bool memory = false;               // count what ranks, nodes and devices hold
  bool committed = false;            // and ask the kernel after every step: 1 ms for each GiB
  // Runs on shapes alone: tensors have sizes and no bytes, checkpoints have headers and holes. Only
  // one rank of those that do the same is run, by itself, as if the others came to all that it
  // comes to. What it shows is memory, traffic and time; no value, and no rank's tensors.
  bool dry = false;
  std::optional<int> alone;          // of a dry run: this rank, and no other
  Links links;                       // what it costs to move bytes
  bool contents = false;             // observe TensorObservation::content at the end
  bool writes = false;               // and how often elements are written
  bool whole = false;                // every rank holds every tensor, and all of it
  std::string fill = "nan";
  std::string attention = "sdpa";
  uint64_t seed = 7;
  // 0: a rank runs as far as it can before the next one does. Else the seed of an order of single
  // steps, see sim/schedule.h.
  uint64_t schedule = 0;
  int64_t steps_max = 10'000'000;    // of all ranks together
};

class Backend;
class Peers;

class Session {
 public:
  Session();
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  // An error is bad input (no such model, no memory for the world) or a transport that is broken.
  // What the simulated ranks do wrong is in the Observation.
  Result<Observation> run(const WorldSpec& spec);
  // One rank of the world, whose others are in other processes: what it shows of itself. The
  // backend reaches them.
  Result<Observation> run_one(const WorldSpec& spec, Peers& others, Backend& backend);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;

  Result<Observation> run(const WorldSpec& spec, Peers* others, Backend* backend);
};

}  // namespace loadproof::sim
