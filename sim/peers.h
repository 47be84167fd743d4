// The other ranks of a world, for an Engine that runs one of them by itself: they are in processes
// of their own.
//
// What a rank asks for goes to whoever holds the rendezvous of all, which says which of its calls
// meet; states of bytes that others give come over the same way, bytes by the Backend. The Engine
// asks in one order, that of meetings, and every rank in the same. An Error is one of the
// connection, or says that another rank is lost: after it nothing more can be asked. Used by the
// Engine's thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sim/backends/rendezvous.h"
#include "sim/device.h"
#include "sim/observation.h"
#include "sim/result.h"
#include "sim/shard.h"
#include "sim/state.h"
#include "sim/stores.h"

namespace loadproof::sim {

// A call at the rendezvous. Who has a channel names it in place of a group.
struct Posting {
  int group = -1;  // index into Groups::all() of the world's topology
  std::optional<std::pair<int, int>> channel;
  Call call;
};

// Virtual time that the rank spent.
struct Working {
  double seconds = 0;
  std::string step;
};

// What a rank held when it met others, or the most that it held within a step or what came of a
// meeting.
struct HeldMemory {
  int64_t meeting = -1;  // number; -1: a step
  bool met = false;
  ByDevice<MemoryUse> use;
  int32_t step = -1;
};

// What a rank did from the moment at which it could go on until it could no more.
struct Turn {
  int64_t woken_by = -1;  // number of the meeting that let it go on; -1: none, or it is its first
  std::vector<std::variant<Posting, Working>> events;  // in order
  std::vector<VacuousObservation> vacuous;             // new since its last turn
  std::string whereabouts;                             // as of Rendezvous::report()
  bool stopped = false;                                // by an error, so that it waits for nobody
  std::vector<StoreNews> changed;                      // copies of stores, versions left out
  std::vector<HeldMemory> held;                              // in order; where memory is counted
};

// What is known of the bytes that one member gives, at the moment of the meeting.
struct Given {
  StateMap states;
  at::Tensor broken;  // of a reduction, by element: whether it is no finite number; or undefined
  std::optional<Shard::Level> level;  // of a scatter: how the source cuts what it holds
};

class Peers {
 public:
  virtual ~Peers() = default;
  virtual int rank() const = 0;
  // Where copies of stores lie that ranks see and change; empty: none does, and ranks run side by
  // side. Else they take turns.
  virtual const std::string& shared_folder() const = 0;
  // The rank begins this step: so that it is known where it is, once it is heard of no more.
  virtual void tell_step(const std::string& id) = 0;
  // Waits until it is this rank's turn, which ends with the next meet(); how often copies of stores
  // have been changed. REQUIRES: there is a shared folder.
  virtual Result<std::vector<StoreNews>> begin_turn(int64_t woken_by) = 0;
  // Returns once some of the rank's calls have met, with those meetings in their order, or else
  // with none: nothing will ever meet again. Calls of others tell the sizes of their tensors and
  // hold no bytes; the own one has nothing but its tag.
  virtual Result<std::vector<Meeting>> meet(const Turn& turn) = 0;
  // Bytes begin to move, and have moved: so that it is known where a rank is which is heard of no
  // more.
  virtual Result<void> tell_moving(bool moved) = 0;
  // To these ranks, which take it.
  virtual Result<void> give(const Meeting& meeting, const Given& given, const OriginTable& origins,
                            const std::vector<int>& to) = 0;
  virtual Result<Given> take(const Meeting& meeting, int from, OriginTable& origins) = 0;
};

}  // namespace loadproof::sim
