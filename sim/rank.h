// One rank of the world: its tensors, what is known of their bytes, its flags.
//
// A Rank is owned by its World and touched by one thread. Tensors are reached by slot, the index of
// their spec in declaration order, the same on every rank. Everything that changes bytes goes
// through the primitives of this class, which change the states with them: a verb cannot forget.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sim/box.h"
#include "sim/device.h"
#include "sim/memory_log.h"
#include "sim/rank_set.h"
#include "sim/selector.h"
#include "sim/shard.h"
#include "sim/state.h"
#include "sim/tensor_spec.h"
#include "sim/writes.h"

namespace loadproof::sim {

struct Slot {
  const TensorSpec* spec = nullptr;
  bool held = true;      // the rank has this tensor; false: it is in no selection
  at::Tensor value;      // dense; on meta until it is given storage
  int storage = -1;      // names with the same number share storage and states
  // Of a name that is a view: which elements of the storage it has. `value` has its strides then.
  // Nothing: all of the storage, densely.
  std::optional<Layout> view;
  StateMap view_states;  // of a view: the states of its elements, in its own order
  std::set<std::string> flags;
  std::optional<Shard> shard;     // what piece of the tensor `value` is; nothing: all of it
  std::optional<Shard> declared;  // the piece that the tensor's own declaration gives this rank
  bool gathered = false;          // it holds more than it did, by a gather
};

// Where the bytes are of tensors that a step has put on a device.
struct Places : ByDevice<at::Device> {
  Places() : ByDevice{{at::Device(at::kCPU), at::Device(at::kCPU)}} {}
};

// What storage is like that a slot is given.
struct NewStorage {
  std::optional<Device> device = {};  // nothing: where the slot was before
  // It comes from the allocator as it is, so that only what states say is written costs a page.
  // Any other was written from end to end, be it with copies of what nobody has written.
  bool fresh = false;
  // It is the pages of a file, which cost nothing as long as they hold what `states` say now.
  bool mapped = false;
};

class Rank {
 public:
  // Every tensor starts on meta, each name by itself.
  // `whole`: it holds every tensor, whoever is said to.
  Rank(int index, std::span<const TensorSpec> specs, const Topology& topology, bool whole,
       OriginTable& origins);
  // The piece of the slot that its declaration gives this rank: on meta, too.
  void declare(int i, Shard shard);
  // Where tensors go; the host if nobody says. REQUIRES: nothing has storage.
  void set_places(const Places& places) { places_ = places; }
  at::Device place(Device device) const { return places_[device]; }
  // From now on, counts how often each element is written.
  void count_writes();
  // And tells the log of what it holds. REQUIRES: the log outlives the rank; nothing has storage.
  void keep_log(MemoryLog& log) { log_ = &log; }

  int index() const { return index_; }
  std::span<const Slot> slots() const { return slots_; }
  const Slot& slot(int i) const { return slots_[static_cast<size_t>(i)]; }
  // Of the slot's elements, in its order.
  const StateMap& states(int i) const {
    return slot(i).view ? slot(i).view_states : storage_states(i);
  }
  // Of all that the slot's storage holds: other than states() of a view alone.
  const StateMap& storage_states(int i) const {
    return storages_[static_cast<size_t>(slot(i).storage)].states;
  }
  Device device(int i) const { return storages_[static_cast<size_t>(slot(i).storage)].device; }
  // Of the slot's storage; nothing: nobody counts.
  const WriteCounts* writes(int i) const {
    return counts_writes_ ? &writes_[static_cast<size_t>(slot(i).storage)] : nullptr;
  }
  // Grows with every change of bytes, states or bindings; equal numbers mean nothing has changed.
  int64_t version() const { return version_; }

  // A step reads what the slot holds: it was worth keeping until now.
  void note_read(int i) const;

  // ---- primitives: bytes and states together ----

  // New storage for this name alone; other names keep the old one. `value` is dense, and of the
  // piece that `shard` tells; nothing: the whole tensor. It is moved to where the slot's device is,
  // if it is elsewhere.
  void give(int i, at::Tensor value, StateMap states, std::optional<Shard> shard = {},
            NewStorage how = {});
  // New storage for this name and all that share its storage. The arguments may be the slot's own.
  void give_shared(int i, const at::Tensor& value, StateMap states,
                   const std::optional<Shard>& shard, NewStorage how = {});
  // The slot shares the storage of `target` from now on.
  void bind(int i, int target);
  // And only a part of it: `value` is that part of the target's tensor, and of its elements.
  void bind_part(int i, int target, at::Tensor value, const Layout& part);
  // The bytes of a box have just been written by the caller; `cells` as write_box() takes them.
  void wrote(int i, const Box& box, const std::vector<Interval>& cells);
  // `parts` tell where the elements go whose states, one after the other, are `cells`.
  void wrote_parts(int i, const std::vector<Part>& parts, const std::vector<Interval>& cells);
  // The first bytes of the tensor, as many as `cells` cover, have been overwritten.
  void wrote_bytes(int i, const std::vector<Interval>& cells);
  // The same of the storage from the tensor's first byte on, whatever strides the tensor has.
  void wrote_memory(int i, const std::vector<Interval>& cells);
  void wrote_all(int i, Cell cell);
  void wrote_rows(int i, int64_t begin, int64_t count, Cell cell);

  // The slot is memory that ranks share, and this one has now what another sees there.
  void adopt(int i, const Rank& other);

  void set_flag(int i, const std::string& flag, bool on);

  // A copy with bytes of its own, and the way back to it.
  Rank clone() const;
  void go_back_to(Rank before);
  // These slots become what they are on `other`, a copy of this rank of another time; names among
  // them that share storage there share it here.
  void take(const Rank& other, std::span<const int> slots);

 private:
  struct Storage {
    StateMap states;
    int users = 0;  // slots that name it
    Device device = Device::kCpu;
    int logged = -1;         // its number in the log
    bool fresh = false;      // bytes that no state says are written were never touched
    std::vector<OriginId> in_file;  // of bytes whose pages are a file's
    bool borrowed = false;   // memory that ranks share, and another has made
  };
  int index_;
  Places places_;
  const OriginTable* origins_;
  std::vector<Slot> slots_;
  std::vector<Storage> storages_;    // by number; those that no slot names any more are empty
  std::vector<WriteCounts> writes_;  // beside storages_, where they are counted
  MemoryLog* log_ = nullptr;
  int64_t version_ = 0;
  bool counts_writes_ = false;
  bool has_views_ = false;  // some slot is a view, or was: most ranks never have one

  int add_storage(StateMap states, int64_t elements, Device device);
  // The slot has this storage from now on; the one that it had may be nobody's then.
  void move_to(int i, int storage);
  void release(int storage);
  bool is_resident(const Storage& storage, OriginId origin) const;
  // What the storage costs, as its states and the slot's value tell.
  void tell_log(int i);
  // The states say which of them are written: of the slot's elements, in its order.
  void count(int i, const StateMap& written);
  // Lets `edit` change the states of the slot's elements, and brings them to all who share them.
  template <typename Edit>
  void change(int i, Edit edit);
  void see_again(int storage);  // its views, after a change
  Slot& at(int i) { return slots_[static_cast<size_t>(i)]; }
};

// What a selector looks at beside the rank.
struct SelectionScope {
  const OriginTable& origins;
  const std::vector<bool>& in_file;  // by slot: the checkpoint has all its pieces
  std::span<const int> it;           // the slots of this turn of the innermost `each`
  bool held = true;                  // false: those that the rank is declared not to have
  // Keys that the stores have which the selector names, as the rank sees them.
  std::map<std::string, std::set<std::string>> stored = {};
};

// The slots that a selector means at this moment, in declaration order. `param` gives names that
// share storage once, the first.
std::vector<int> resolve(const Selector& selector, const Rank& rank, const SelectionScope& scope);

}  // namespace loadproof::sim
