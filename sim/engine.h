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
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/assets.h"
#include "sim/backends/backend.h"
#include "sim/backends/rendezvous.h"
#include "sim/chain.h"
#include "sim/cost_log.h"
#include "sim/groups.h"
#include "sim/observation.h"
#include "sim/peaks.h"
#include "sim/peers.h"
#include "sim/rank.h"
#include "sim/schedule.h"
#include "sim/stores.h"
#include "sim/steps/verb.h"
#include "sim/world.h"

namespace loadproof::sim {

// What a collective does with a tensor that is no dense stretch of memory.
enum class Strided : uint8_t {
  kRefuse,  // an error, as torch's checks raise it
  kPack,    // a dense copy moves, and is written back
  kIgnore,  // as many bytes as the tensor has move from and to its first one, whatever its strides
};

// What a collective verb asks of the engine for one tensor.
struct Post {
  Collective op = Collective::kBarrier;
  std::string group = "world";
  std::optional<std::pair<int, int>> channel;  // in place of a group: from one rank to another
  int source = -1;        // global rank; of a gather, who receives
  int slot = -1;          // -1: a barrier
  std::optional<int> into;  // of a broadcast: the slot in which others than the source receive
  Strided strided = Strided::kRefuse;
  std::optional<Cut> cut;   // of a scatter
  // Of a gather: which cut of the tensor it undoes. One that is not the last leaves the elements in
  // another order where both cut the same dimension.
  size_t level = 0;
  Reduction reduction = Reduction::kSum;
  bool match_bytes = false;
  bool truncates = false;
  std::optional<double> timeout;  // virtual seconds that the rank waits; nothing: for ever
  bool stall = false;             // the transfer never completes
  bool async = false;             // the rank goes on, and may wait for it later
};

class Accelerator;

class Engine {
 public:
  // `declared`: as for observe_tensors(). With `peers` it runs their one rank, and its observation
  // is of that: what ranks learn of each other, mismatches and waits, is for who holds the
  // rendezvous to tell.
  Engine(const WorldSpec& spec, const Asset& asset, Backend& backend,
         std::vector<at::Tensor> declared = {}, Peers* peers = nullptr);
  // Tensors of ranks are there from now on: those that steps put on `cuda`, or all where no step
  // names a device. REQUIRES: before run().
  void place_on(const Accelerator& accelerator);
  // REQUIRES: called once. An error is one of the transport itself, or tensors that cannot be cut
  // as they declare.
  Result<Observation> run();
  // After a run, by slot: what rank 0 holds; undefined where any element must not reach sampling.
  std::vector<at::Tensor> values() const;
  // After a run with WorldSpec::memory, by rank that ran.
  std::vector<CostLog> take_costs();

  // ---- for verbs ----
  const WorldSpec& spec() const { return spec_; }
  const Asset& asset() const { return asset_; }
  OriginTable& origins() { return origins_; }
  Stores& stores() { return stores_; }
  at::Generator& generator(int rank);
  // One of the rank's own, too, but seeded alike on all ranks.
  at::Generator& shared_generator(int rank);
  std::vector<int> resolve_on(const Rank& rank, const Selector& selector);
  // Groups by name: world, node (the ranks of the caller's node), a dimension of the mesh (the
  // ranks that differ from the caller in that coordinate alone), or a role. An error: the rank is
  // in none.
  Result<Place> place_in(const std::string& group, int rank) const;
  Result<int> member_of(const std::string& group, int rank, int64_t position) const;  // global rank
  // Asks for a collective on one tensor; the rank goes on when all its posts have met.
  Result<void> post(const StepContext& step, const Post& post);
  // Lets the rank wait for what a step has posted and not waited for. An error: there is no such
  // step.
  Result<void> await(const StepContext& step, const std::string& id);
  // Records every tensor of the rank and returns them; the reference holds until the next call.
  const std::vector<TensorObservation>& take_point(const StepContext& step, bool sampled);
  void add_generation(const StepContext& step, loadproof::Generation generation);
  void enter_each(const StepContext& step, int64_t chunk);
  void enter_repeat(const StepContext& step, int64_t times);
  // What the innermost `each` that the rank is in goes over; nullptr: it is in none.
  const Selector* loop_over(int rank) const;
  // Of the innermost `repeat` that the rank is in: 0 in its first turn, and outside of any.
  int64_t turn(int rank) const;
  // The step did nothing for this rank, or undid what another did; `kind` as in VacuousObservation.
  void note_nothing(const StepContext& step, std::string kind, std::string text,
                    std::vector<std::string> tensors = {});
  void enter_update(const StepContext& step);
  // Virtual time that the rank spends in this step.
  void work(const StepContext& step, double seconds);
  // What the step costs beside the memory that it holds.
  void note_work(const StepContext& step, const Work& work);
  // Whether tensors have sizes and no bytes.
  bool dry() const { return spec_.dry; }
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
    int64_t run = 0;             // how often the rank had run it before
    std::vector<int> about;      // slots that are judged; empty: all
    std::vector<Held> held;      // at its start, by slot
    std::optional<Rank> before;  // of on_error: restore
  };
  // A level of nesting: the program itself, or the body of an `each`, a `repeat` or an `update`.
  struct Frame {
    const std::vector<Step>* steps = nullptr;
    const Selector* over = nullptr;  // of an `each`
    size_t next = 0;
    std::vector<int> items;  // slots that an `each` goes through; empty: not a loop
    size_t item = 0, chunk = 1;  // the first of this turn, and how many a turn has
    int64_t turn = 0, turns = 0;  // of a `repeat`; 0 turns: it is none
    std::optional<Update> update = std::nullopt;
    std::span<const int> it() const {
      return std::span(items).subspan(item, std::min(chunk, items.size() - item));
    }
  };
  struct Runner {
    Rank rank;
    std::vector<Frame> frames;
    const Step* current = nullptr;  // the step that runs, waits, or ended the rank
    int waiting = 0;                // calls posted and not yet met, which it waits for
    std::map<int32_t, int> open;    // by step: those that it has not waited for
    int32_t awaited = -1;           // the step whose it waits for now
    bool stopped = false;
    std::optional<std::string> raised;  // an error that ends the innermost update
    std::map<const Step*, int64_t> updates;  // how often each was entered
    std::optional<at::Generator> generator, shared_generator;
    int64_t point_version = -1;     // of the rank when its last point was taken
    int64_t shared_version = 0;     // of the rank when others last saw what it shares
    std::unique_ptr<MemoryLog> memory;  // where the case asks for it
    std::unique_ptr<CostLog> costs;     // where it has a memory log
    RankObservation seen;
  };

  const WorldSpec& spec_;
  const Asset& asset_;
  Backend& backend_;
  std::vector<at::Tensor> declared_;
  OriginTable origins_;
  Peers* const peers_;  // nullptr: all ranks are here
  const int first_;     // rank that runs
  std::vector<Runner> runners_;
  std::deque<int> ready_;                 // in the order in which they became so
  Schedule schedule_;
  std::vector<int> shared_;               // slots that ranks share
  Groups groups_;
  Rendezvous rendezvous_;
  Stores stores_;
  std::optional<Peaks> peaks_;
  Observation seen_;
  std::map<uint64_t, loadproof::Generation> memory_;
  int64_t steps_taken_ = 0;

  // Gives each rank its declared piece of each tensor. An error: a tensor that cannot be cut so.
  Result<void> lay_out();
  // REQUIRES: the rank runs: in a dry run, and beside peers, only one does.
  Runner& runner(int rank) { return runners_[static_cast<size_t>(rank - first_)]; }
  const Runner& runner(int rank) const { return runners_[static_cast<size_t>(rank - first_)]; }
  // Lets the runner take steps until it waits or ends; `only_one`: at most one step.
  void advance(Runner& runner, bool only_one);
  // Ranks that share memory with this one see what it has done there.
  void share(const Runner& runner);
  const Step* next_step(Runner& runner);
  void run_step(Runner& runner, const Step& step);
  std::vector<int> select(const Runner& runner, const Step& step);
  bool means_others(const Rank& rank, const Selector& selector) const;
  void note_vacuous(const Runner& runner, const Step& step);
  void add_vacuous(VacuousObservation seen);
  void stop(Runner& runner, Outcome outcome, std::string error);

  void raise(Runner& runner, std::string error);
  void end_update(Runner& runner);
  static void tell_outcome(Rank& rank, const Update& update, bool failed);
  void finish_update(Runner& runner, const Update& update) const;
  static bool is_about(const Rank& rank, const Update& update, int slot);
  static void restore(Rank& rank, Update& update);
  static bool is_unchanged(const Rank& rank, const Update& update, int slot);
  void note_tensors(const Rank& rank, const Update& update, FailedUpdate& failed) const;

  // What is known of a call while it waits, by its tag.
  struct Posted {
    int slot = -1;             // whose bytes move; of a receiver, where they go
    at::Tensor moved;          // what the transport sees of the slot
    Strided strided = Strided::kRefuse;
    at::Tensor broken;         // of a reduction: which elements it gives are no finite numbers
    std::optional<Shard> shard;  // of a scatter, or of a gather that undoes no last cut: what the
                                 // rank will hold
    int64_t dim = -1;            // of such a gather: along which it joins
    Meet meet;
  };
  std::deque<Posted> posted_;

  // Beside peers: what it has asked of them, and not yet told or not yet met.
  Turn turn_;
  size_t told_vacuous_ = 0;
  std::map<int64_t, Call> own_calls_;  // by tag
  bool over_ = false;                  // nothing will meet again
  int64_t completes_ = -1;             // number of the meeting whose outcome is worked out

  bool runs(int rank) const {
    return rank >= first_ && rank < first_ + static_cast<int>(runners_.size());
  }
  void arrive(const Post& post, int group, Call call);
  // Beside peers that change what it sees, waits until it is its turn.
  Result<void> begin_turn();
  Result<std::vector<Meeting>> meet_peers();
  // Of those that move; takes their transfers.
  Result<void> move_bytes(std::vector<Meeting>& meetings);
  // By call: what those give that give anything.
  Result<std::vector<Given>> given_in(const Meeting& meeting);
  static std::string whereabouts_of(const Runner& runner);

  Result<int> group_of(const Post& post, int rank);
  // An error: the slot is on meta, so that there is nothing to take part with.
  static Result<void> must_hold(const Slot& slot, Collective op);
  // The rank's place in the group of each cut.
  Result<std::vector<Place>> places_of(const Shard& shard, int rank) const;
  Meet meet_of(const StepContext& step, const Post& post, int group) const;
  // In a dry run: as if all others had come and said the same.
  Result<void> post_alone(const StepContext& step, const Post& post, int group);
  Result<void> give_alone(const StepContext& step, const Post& post);
  Result<void> gather_alone(const StepContext& step, const Post& post);
  Result<void> add_tensor(const StepContext& step, const Post& post, int group, Call& call);
  void add_reduction(const Post& post, Call& call);
  Result<void> add_scatter(const StepContext& step, const Post& post, int group, Call& call);
  const Posted& posted(const Call& call) const { return posted_[static_cast<size_t>(call.tag)]; }
  Given given_by(const Call& call) const;
  StateMap states_given_by(const Call& call) const;
  void write_received(const Call& call, const std::vector<Interval>& cells);
  std::vector<at::Tensor> gather_targets(int group, const Slot& slot);
  Result<void> add_inner_gather(const Post& post, int group, const Slot& slot, Call& call);
  Result<void> meet();
  void note_mismatches(const Meeting& meeting);
  Result<void> complete(const Meeting& meeting);
  // What the members give becomes what they have, of those that run here.
  using AllGiven = std::vector<Given>;
  void complete_broadcast(const Meeting& meeting, const AllGiven& given);
  void complete_scatter(const Meeting& meeting, const AllGiven& given);
  void complete_gather(const Meeting& meeting, const AllGiven& given);
  void complete_inner_gather(const Meeting& meeting, const AllGiven& given);
  void complete_reduce(const Meeting& meeting, const AllGiven& given);
  // Cells that came from the sender.
  std::vector<Interval> received(const Call& sender, int step, std::vector<Interval> cells);

  void note_peak(Runner& runner, int32_t step);
  void note_met(const Runner& runner, int32_t step);
  void log(uint64_t value);
  void log_writes(const Runner& runner, std::span<const int> slots);
  void note_waits();
  void observe_memory();

  Observation finish();

};

}  // namespace loadproof::sim
