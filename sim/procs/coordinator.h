// Holds the rendezvous of a world whose ranks are in processes of their own, for one run of a case.
//
// Ranks tell what they do in turns (sim/peers.h). Once all that could go on have told theirs, these
// are gone through in the order in which one process would have run the ranks; where ranks change
// what others see, they take their turns one after the other in that order. Everything is
// compared, and each rank is told which of its calls meet; states that one gives others pass
// through here. When nothing meets any more the ranks tell what they observed. So what comes of a
// case is what comes of it in one process, and depends on no clock. Clocks count only for ranks
// that are lost: whose connection closes, or that say nothing for longer than `patience` while
// others wait for them.
//
// Uses the links, which outlive it; runs on the thread that calls run(), and touches nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/backends/rendezvous.h"
#include "sim/groups.h"
#include "sim/observation.h"
#include "sim/peaks.h"
#include "sim/peers.h"
#include "sim/procs/link.h"
#include "sim/procs/messages.h"
#include "sim/rank_set.h"

namespace loadproof::sim {

// What all ranks together have shown.
struct Gathered {
  std::vector<std::string> seen;  // by rank: as each wrote it
  std::vector<MismatchObservation> mismatches;
  std::vector<WaitObservation> waits;
  std::string wait_report;
  std::vector<VacuousObservation> vacuous;
  std::vector<PeakObservation> peaks;  // where ranks count their memory
  std::string error;      // why the case could not be run; "": it was
  std::vector<int> lost;  // these ranks are gone or do not answer: nothing more can be run
};

using Silence = std::function<std::chrono::milliseconds(int rank)>;

class Coordinator {
 public:
  // `links`: by rank, one for each rank of the world. `run`: a number that no other run has had;
  // what belongs to another is passed over.
  // `one_by_one`: only one rank at a time takes its turn. `silence`: for how long the process of a
  // rank has given no sign of life, whatever it is at; left out, that is not known.
  Coordinator(const Topology& topology, std::span<Link> links, std::chrono::milliseconds patience,
              int64_t run, bool one_by_one = false, Silence silence = {});
  Gathered run();

 private:
  // How far a rank has come, the least first.
  enum class Place : uint8_t {
    kRuns,    // it is on its way
    kCalled,  // it has been told of meetings
    kMoves,   // and moves their bytes
    kMoved,   // and has
    kReady,   // it could go on, and waits for its turn
    kWaits,   // it has told its turn
    kSeen,    // it has told what it observed
    kFailed,
  };
  struct Seat {
    Place place = Place::kRuns;
    Turn turn;                 // what it has done
    bool has_turn = false;     // and that is not yet gone through
    int64_t woken_by = -1;     // of kReady
    std::string whereabouts = "on its way";
    bool stopped = false;
    bool closed = false;
    std::string failure;       // of kFailed; "": it was stopped
    std::string seen;
    std::string called_to;     // of its last meetings, the first in words
    std::string step;          // that it began last; empty: none since its last meetings
    std::chrono::steady_clock::time_point heard;  // or told of something
  };

  Groups groups_;
  size_t named_;  // groups that are no channels
  Rendezvous rendezvous_;
  std::span<Link> links_;
  std::chrono::milliseconds patience_;
  int64_t run_;
  bool one_by_one_;
  Silence silence_;
  std::map<std::pair<std::string, int>, int64_t> versions_;  // of copies of stores
  std::vector<Seat> seats_;
  const Topology topology_;
  std::optional<Peaks> peaks_;
  std::map<int64_t, std::vector<int>> order_;  // of the last meetings: their ranks
  int64_t meetings_ = 0;
  Gathered gathered_;

  // Waits until every rank has come so far. False: that cannot be, and why is told.
  bool wait_for_all(Place least);
  // Those of which nothing has been heard for too long. `last`: how far those are that the others
  // wait for.
  std::vector<int> silent_ranks(Place last) const;
  // Lets frames come and go until something came or the time is over.
  void pump(std::chrono::steady_clock::time_point until);
  void take(int rank, const std::string& frame);
  void take(int rank, Message message);
  void tell(int rank, Message message);

  // Lets those that are ready take their turns. False: as for wait_for_all().
  bool take_turns();
  // These ranks, woken by these meetings, in the order in which one process runs them.
  std::vector<int> in_order(const std::vector<std::pair<int64_t, int>>& woken) const;
  void go_through_turns();
  void go_through(int rank, const Turn& turn);
  // What ranks held, in the order in which one process would have noted it: `meeting` -1: in steps.
  void note_held(const std::vector<int>& ranks, int64_t meeting, bool met);
  void post(int rank, const Posting& posting);
  void call(std::vector<Meeting> meetings);
  void end();

  void lose(std::vector<int> ranks, const std::string& how);
  // After one has failed: the others are stopped, and heard.
  void give_up();
  std::vector<int> ranks_that(bool (*is)(const Seat&)) const;
  std::string text_of(const Seat& seat) const;
  std::string others_text(const std::vector<int>& lost);
};

}  // namespace loadproof::sim
