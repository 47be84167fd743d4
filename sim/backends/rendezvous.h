// The meeting point of collectives: who has come, who has not, when, and whether they say the same.
//
// Pure: it moves no byte and knows no backend. Calls queue by (group, rank) in program order; the
// n-th call of every member of a group is one meeting. What a disagreement leads to is what it
// leads to in torch 2.11 over Gloo, see Mismatch. Owned and used by one thread. Time and room grow
// with the number of calls, whatever the size of the groups.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/backends/backend.h"
#include "sim/backends/clocks.h"
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
  int64_t bytes = 0;         // of the tensor: what it gives or holds
  int source = -1;           // global rank, where the operation has one
  Reduction reduction = Reduction::kSum;
  bool match_bytes = false;  // the loader compares nothing but sizes
  bool truncates = false;    // of a broadcast: who holds fewer bytes gets as many as it holds
  std::optional<double> timeout;  // how long it waits for the last member, in virtual seconds
  bool stall = false;        // a fault: the transfer never completes
  int64_t tag = 0;           // the caller's own; handed back
  bool async = false;        // the caller's own, too
  std::vector<at::Tensor> in, out;  // as in Member (backend.h)
  bool present = false;      // set by the rendezvous
};

// One way in which members differ from their reference: the source, or else the first member. Of
// each member only the gravest is told, in this order:
//   member  fatal      the source is no member of the group: no member can go on
//   op      fatal      another operation or reduction: no member can go on
//   source  fatal      another source: no member can go on
//   size    fatal      a member is given more bytes than it holds: its transport aborts it
//           not fatal  the same where both have asked for truncates, as NCCL takes it: see Call
//           not fatal  a member is given fewer: its tail keeps what it held
//   dtype   not fatal  the bytes move and are read as another type
//           fatal      all_reduce over elements of another width, which is cut at other places
//   name    not fatal  the bytes move and land under the other name (a swap)
//   shape   not fatal  the bytes move in order
// Where reference and member have asked for match_bytes, dtype, name and shape are not compared.
// What time adds to these is in sim/backends/watchdog.h.
struct Mismatch {
  std::string kind;
  bool fatal = false;
  std::string text;          // a sentence: what each thought, and what comes of it
  std::vector<int> ranks;    // those that differ, in group order
  std::vector<std::string> tensors;  // as those ranks call it: one, for all of them
  int step = -1;             // of the first of `ranks`
};

struct Meeting {
  int group = 0;
  int64_t sequence = 0;
  int64_t number = -1;       // among those of all groups, for who tells them to other processes
  std::vector<Call> calls;   // in group order
  std::vector<Mismatch> mismatches;
  std::vector<int> aborted;  // ranks whose real transport would abort
  bool moves = true;         // false: a mismatch is fatal; the members stay where they are
  Transfer transfer;         // to hand to the backend when it moves
};

// One rank that waits. One with calls in several groups has an entry for each group.
struct Waiting {
  int rank = 0;
  int step = -1;
  std::string op, tensor, group;
  int64_t sequence = 0;
  std::vector<int> missing;  // members that have not come, or were aborted
  std::string text;          // a sentence: for whom it waits, and where those are
};

struct WaitReport {
  std::vector<Waiting> waiting;  // by rank, then by group
  std::string text;  // a line a meeting, then a line a cycle; "" if nobody waits
};

class Rendezvous {
 public:
  explicit Rendezvous(std::vector<Group> groups);
  const std::vector<Group>& groups() const { return groups_; }
  // One more; it has the next index. REQUIRES: its ranks are in some group already.
  void add(Group group);
  Clocks& clocks() { return clocks_; }
  // REQUIRES: call.rank is a member of the group.
  void arrive(int group, Call call);
  // All meetings whose members have all come, in the order in which the last of them came. After a
  // fatal one its group is broken: what its members bring later never meets.
  std::vector<Meeting> take_ready();
  // `whereabouts`, by rank: where one is that waits at no meeting ("finished", "raised at step x").
  WaitReport report(std::span<const std::string> whereabouts) const;

 private:
  struct Open {               // a meeting that some have come to
    std::vector<Call> calls;  // by position in the group
    size_t come = 0;
  };
  struct Table {  // of one group
    std::unordered_map<int, size_t> position;  // of a rank; looked up, never iterated
    std::vector<int64_t> arrived;              // calls so far, by position
    std::deque<Open> open;
    int64_t first = 0;                         // sequence number of open.front()
    bool broken = false;                       // open.front() is a meeting that was fatal
    std::vector<int> aborted;                  // by it, ascending
    std::string why;                           // what its first fatal mismatch says
  };
  std::vector<Group> groups_;
  Clocks clocks_;  // of all ranks that are in some group
  std::vector<Table> tables_;
  std::vector<std::pair<int, int64_t>> ready_;  // group, sequence
};

}  // namespace loadproof::sim
