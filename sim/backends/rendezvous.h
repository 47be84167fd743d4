// The meeting point of collectives: who has come, who has not, and whether they say the same.
//
// Pure: it moves no byte and knows no backend. Calls queue by (group, rank) in program order; the
// n-th call of every member of a group is one meeting. Owned and used by one thread.
// (The engine codes against these names: Group, Call, Mismatch, Meeting, Waiting, WaitReport.)
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/backends/backend.h"
#include "sim/dtype.h"

namespace loadproof::sim {

struct Group {
  std::string name;
  std::vector<int> ranks;  // global, in the group's order
};

// One member's arrival: what it says it does.
struct Call {
  Collective op = Collective::kBarrier;
  int rank = 0;              // global
  int step = -1;             // flat index of the program's step
  std::string step_id;
  std::string tensor;        // "" where there is none
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
  int source = -1;           // global rank, where the operation has one
  Reduction reduction = Reduction::kSum;
  bool match_bytes = false;  // the loader compares nothing but sizes
  int64_t tag = 0;           // the caller's own; handed back
  std::vector<at::Tensor> in, out;
  bool present = false;      // set by the rendezvous
};

struct Mismatch {
  std::string kind;          // op, source, name, shape, dtype, size
  bool fatal = false;        // nobody of the meeting can go on
  std::string text;          // a sentence: what each thought
  std::vector<int> ranks;    // those that differ from the source, or from the first member
  std::vector<std::string> tensors;  // as those ranks call it
  int step = -1;             // of the first of `ranks`
};

struct Meeting {
  int group = 0;
  int64_t sequence = 0;
  std::vector<Call> calls;   // in group order
  std::vector<Mismatch> mismatches;
  std::vector<int> aborted;  // ranks whose real transport would abort (given more bytes than they hold)
  bool moves = true;         // false: fatal; members stay where they are
  Transfer transfer;         // to hand to the backend when it moves
};

// One rank that waits.
struct Waiting {
  int rank = 0;
  int step = -1;
  std::string op, tensor, group;
  int64_t sequence = 0;
  std::vector<int> missing;  // members that have not come
  std::string text;          // a sentence: for whom it waits, and where those are
};

struct WaitReport {
  std::vector<Waiting> waiting;  // by rank
  std::string text;              // the graph in words, cycles named; "" if nobody waits
};

class Rendezvous {
 public:
  explicit Rendezvous(std::vector<Group> groups);
  const std::vector<Group>& groups() const { return groups_; }
  void arrive(int group, Call call);
  // All meetings whose members have all come, in the order in which the last of them came.
  std::vector<Meeting> take_ready();
  // `whereabouts`, by rank: where one is that waits at no meeting ("finished", "raised at step x: …").
  WaitReport report(std::span<const std::string> whereabouts) const;

 private:
  struct Open {               // a meeting that some have come to
    std::vector<Call> calls;  // by position in the group
    size_t come = 0;
  };
  struct State {              // of one group
    std::unordered_map<int, size_t> position;  // of a rank; looked up, never iterated
    std::vector<int64_t> arrived;              // calls so far, by position
    std::deque<Open> open;
    int64_t first = 0;                         // sequence number of open.front()
    int64_t broken = -1;                       // the first meeting that was fatal
  };
  std::vector<Group> groups_;
  std::vector<State> states_;
  std::vector<std::pair<int, int64_t>> ready_;
};

}  // namespace loadproof::sim
