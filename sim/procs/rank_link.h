// A rank's end of the connection to the coordinator: what an Engine asks of the other ranks.
//
// For one run of one case; what is left of an earlier one is passed over. Uses the link, which
// outlives it; waits for the coordinator as long as the connection stands, since it is the
// coordinator that knows who does not answer.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "sim/peers.h"
#include "sim/procs/at_moment.h"
#include "sim/procs/link.h"
#include "sim/procs/messages.h"

namespace loadproof::sim {

class RankLink final : public Peers {
 public:
  RankLink(int rank, int64_t run, std::string shared_folder, Link& link, AtMoment at_moment = {})
      : rank_(rank),
        run_(run),
        shared_folder_(std::move(shared_folder)),
        link_(link),
        at_moment_(std::move(at_moment)) {}

  int rank() const override { return rank_; }
  const std::string& shared_folder() const override { return shared_folder_; }
  void tell_step(const std::string& id) override;
  Result<std::vector<StoreNews>> begin_turn(int64_t woken_by) override;
  Result<std::vector<Meeting>> meet(const Turn& turn) override;
  Result<void> tell_moving(bool moved) override;
  Result<void> give(const Meeting& meeting, const Given& given, const OriginTable& origins,
                    const std::vector<int>& to) override;
  Result<Given> take(const Meeting& meeting, int from, OriginTable& origins) override;
  // Whether the coordinator has said that the case is not to be run on: an error of this rank then
  // comes of that.
  bool was_stopped() const { return was_stopped_; }
  // The same, as far as that has come by now; for who waits for something else.
  bool is_stopped();

 private:
  int rank_;
  int64_t run_;
  std::string shared_folder_;
  Link& link_;
  AtMoment at_moment_;
  std::string step_;  // that it began last
  std::chrono::steady_clock::time_point told_waiting_ = std::chrono::steady_clock::now();
  bool was_stopped_ = false;
  std::string why_;            // it was
  std::deque<Message> early_;  // come while something else was waited for
  std::map<std::pair<int64_t, int>, std::string> given_;  // by meeting and rank: not yet taken

  void pass(std::string_view moment) const {
    if (at_moment_) at_moment_(step_, moment);
  }
  // The next message; what is given is kept. An error: stop.
  Result<Message> next();
  void note(Message& message);
  // Now and then, so that who waits is told from who hangs.
  void tell_waiting();
};

}  // namespace loadproof::sim
