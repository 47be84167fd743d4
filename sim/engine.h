// The world's one loop: pick a ready rank, run one step of its program on it.
//
// A local step runs at once. A collective step posts calls at the rendezvous and its rank sleeps
// until every member has come, the descriptions have been compared, and the backend has moved the
// bytes. A rank that raises outside of an update, or dies in sampling, or can never go on, stays
// where it is, and the observation says so. An Engine lives for one run, on one thread, and owns
// the ranks.
#pragma once

#include <ATen/core/Generator.h>

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/assets.h"
#include "sim/backends/backend.h"
#include "sim/backends/rendezvous.h"
#include "sim/chain.h"
#include "sim/groups.h"
#include "sim/observation.h"
#include "sim/peaks.h"
#include "sim/rank.h"
#include "sim/stores.h"
#include "sim/steps/verb.h"
#include "sim/world.h"

namespace loadproof::sim {

// What a collective verb asks of the engine for one tensor.
struct Post {
  Collective op = Collective::kBarrier;
  std::string group = "world";
  int source = -1;        // global rank
  int slot = -1;          // -1: a barrier
  Reduction reduction = Reduction::kSum;
  bool match_bytes = false;
  bool truncates = false;
  std::optional<double> timeout;  // virtual seconds that the rank waits; nothing: for ever
  bool stall = false;             // the transfer never completes
};

class Engine {
 public:
  // `declared`: as for observe_tensors().
  Engine(const WorldSpec& spec, const Asset& asset, Backend& backend,
         std::vector<at::Tensor> declared = {});
  // REQUIRES: called once. An error is one of the transport itself, or tensors that cannot be cut
  // as they declare.
  Result<Observation> run();
  // After a run, by slot: what rank 0 holds; undefined where any element must not reach sampling.
  std::vector<at::Tensor> values() const;

  // ---- for verbs ----
  const WorldSpec& spec() const { return spec_; }
  const Asset& asset() const { return asset_; }
  OriginTable& origins() { return origins_; }
  Stores& stores() { return stores_; }
  at::Generator& generator(int rank);
  std::vector<int> resolve_on(const Rank& rank, const Selector& selector);
  // Groups by name: world, node (the ranks of the caller's node), a dimension of the mesh (the
  // ranks that differ from the caller in that coordinate alone), or a role. An error: the rank is
  // in none.
  Result<Place> place_in(const std::string& group, int rank) const;
  Result<int> member_of(const std::string& group, int rank, int64_t position) const;  // global rank
  // Asks for a collective on one tensor; the rank goes on when all its posts have met.
  Result<void> post(const StepContext& step, const Post& post);
  // Records every tensor of the rank and returns them; the reference holds until the next call.
  const std::vector<TensorObservation>& take_point(const StepContext& step, bool sampled);
  void add_generation(const StepContext& step, loadproof::Generation generation);
  void enter_each(const StepContext& step);
  // The step did nothing for this rank, or undid what another did; `kind` as in VacuousObservation.
  void note_nothing(const StepContext& step, std::string kind, std::string text,
                    std::vector<std::string> tensors = {});
  void enter_update(const StepContext& step);
  // Virtual time that the rank spends in this step.
  void work(const StepContext& step, double seconds);
  ChainScope chain_scope() const;
  // What generate() gave for these very bytes, states and options; ranks that hold the same need
  // one.
  const loadproof::Generation* remembered(uint64_t key) const;
  void remember(uint64_t key, const loadproof::Generation& generation);

 private:
  // What must be known of an `update` when an error ends it.
  struct Update {
    struct Held {
      int storage;
      StateMap states;
    };
    const Step* step = nullptr;
    std::vector<int> about;      // slots that are judged; empty: all
    std::vector<Held> held;      // at its start, by slot
    std::optional<Rank> before;  // of on_error: restore
  };
  // A level of nesting: the program itself, or the body of an `each` or an `update`.
  struct Frame {
    const std::vector<Step>* steps = nullptr;
    size_t next = 0;
    std::vector<int> items;  // slots that an `each` still goes through; empty: not a loop
    size_t item = 0;
    std::optional<Update> update = std::nullopt;
    int it() const { return items.empty() ? -1 : items[item]; }
  };
  struct Runner {
    Rank rank;
    std::vector<Frame> frames;
    const Step* current = nullptr;  // the step that runs, waits, or ended the rank
    int waiting = 0;                // calls posted and not yet met
    bool stopped = false;
    std::optional<std::string> raised;  // an error that ends the innermost update
    std::optional<at::Generator> generator;
    int64_t point_version = -1;     // of the rank when its last point was taken
    RankObservation seen;
  };

  const WorldSpec& spec_;
  const Asset& asset_;
  Backend& backend_;
  std::vector<at::Tensor> declared_;
  OriginTable origins_;
  std::vector<Runner> runners_;
  std::deque<int> ready_;                 // in the order in which they became so
  Groups groups_;
  Rendezvous rendezvous_;
  Stores stores_;
  std::optional<Peaks> peaks_;
  Observation seen_;
  std::map<uint64_t, loadproof::Generation> memory_;
  int64_t steps_taken_ = 0;

  // Gives each rank its declared piece of each tensor. An error: a tensor that cannot be cut so.
  Result<void> lay_out();
  Runner& runner(int rank) { return runners_[static_cast<size_t>(rank)]; }
  void advance(Runner& runner);
  const Step* next_step(Runner& runner);
  void run_step(Runner& runner, const Step& step);
  std::vector<int> select(const Runner& runner, const Step& step);
  void note_vacuous(const Runner& runner, const Step& step);
  void add_vacuous(VacuousObservation seen);
  void stop(Runner& runner, Outcome outcome, std::string error);

  void raise(Runner& runner, std::string error);
  void end_update(Runner& runner);
  void note_tensors(const Rank& rank, const Update& update, FailedUpdate& failed) const;

  std::vector<at::Tensor> gather_targets(int group, const Slot& slot);
  Result<void> meet();
  void note_mismatches(const Meeting& meeting);
  void complete(const Meeting& meeting);
  void complete_broadcast(const Meeting& meeting);
  void complete_gather(const Meeting& meeting);
  void complete_reduce(const Meeting& meeting);
  std::vector<Interval> received(const Call& sender, int step, std::vector<Interval> cells);

  void note_peak(const Runner& runner, int32_t step);
  void log(uint64_t value);
  void log_writes(const Runner& runner, std::span<const int> slots);
  void note_waits();

  Observation finish();

};

}  // namespace loadproof::sim
