// Engine, seventh part: one rank of a world whose others are in other processes. Without peers,
// all are here.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/backends/compare.h"
#include "sim/check.h"
#include "sim/engine.h"

namespace loadproof::sim {
namespace {

bool has_one_receiver(const Call& call) {
  return call.source >= 0 &&
         (call.op == Collective::kGather || call.op == Collective::kAllReduce);
}

bool gives(const Call& call) {
  switch (call.op) {
    case Collective::kBroadcast:
    case Collective::kSend:
    case Collective::kScatter: return call.rank == call.source;
    case Collective::kBarrier: return false;
    default: return true;
  }
}

bool takes(const Call& call) { return !has_one_receiver(call) || call.rank == call.source; }

}  // namespace

void Engine::arrive(const Post& post, int group, Call call) {
  if (!peers_) return rendezvous_.arrive(group, std::move(call));
  own_calls_.emplace(call.tag, call);
  turn_.events.emplace_back(Posting{group, post.channel, std::move(call)});
}

std::string Engine::whereabouts_of(const Runner& runner) {
  if (runner.stopped)
    return fmt::format("{} at step {}: {}", name(runner.seen.outcome),
                       runner.current ? runner.current->id : "?", runner.seen.error);
  return runner.waiting > 0 ? "waiting" : "finished";
}

Result<void> Engine::begin_turn() {
  if (!peers_ || ready_.empty() || peers_->shared_folder().empty()) return {};
  stores_.share(peers_->shared_folder());
  const auto news = peers_->begin_turn(turn_.woken_by);
  return news ? stores_.take_news(*news, origins_) : tl::make_unexpected(news.error());
}

Result<std::vector<Meeting>> Engine::meet_peers() {
  Turn turn = std::exchange(turn_, {});
  auto changed = stores_.tell_news(origins_);
  if (!changed) return tl::make_unexpected(changed.error());
  turn.changed = std::move(*changed);
  turn.vacuous.assign(seen_.vacuous.begin() + static_cast<std::ptrdiff_t>(told_vacuous_),
                      seen_.vacuous.end());
  told_vacuous_ = seen_.vacuous.size();
  turn.whereabouts = whereabouts_of(runners_[0]);
  turn.stopped = runners_[0].stopped;
  Result<std::vector<Meeting>> meetings = peers_->meet(turn);
  if (!meetings) return meetings;
  over_ = meetings->empty();
  for (Meeting& meeting : *meetings) {
    const auto own = std::ranges::find(meeting.calls, first_, &Call::rank);
    SIM_CHECK(own != meeting.calls.end(), "rank {} is in no meeting {}", first_, meeting.number);
    *own = std::move(own_calls_.extract(own->tag).mapped());
    if (meeting.moves)
      meeting.transfer =
          transfer_of(meeting.calls, static_cast<size_t>(meeting.transfer.source));
  }
  if (!meetings->empty())
    if (auto told = peers_->tell_moving(/*moved=*/false); !told)
      return tl::make_unexpected(told.error());
  return meetings;
}

Result<std::vector<Given>> Engine::given_in(const Meeting& meeting) {
  std::vector<Given> given(meeting.calls.size());
  std::vector<int> others;  // that take what this rank gives
  for (size_t i = 0; i < given.size(); ++i) {
    const Call& call = meeting.calls[i];
    if (runs(call.rank) && gives(call)) given[i] = given_by(call);
    if (!runs(call.rank) && takes(call)) others.push_back(call.rank);
  }
  if (!peers_) return given;
  const auto own = static_cast<size_t>(
      std::ranges::find(meeting.calls, first_, &Call::rank) - meeting.calls.begin());
  if (gives(meeting.calls[own]) && !others.empty())
    if (auto told = peers_->give(meeting, given[own], origins_, others); !told)
      return tl::make_unexpected(told.error());
  if (!takes(meeting.calls[own])) return given;
  for (size_t i = 0; i < given.size(); ++i) {
    if (i == own || !gives(meeting.calls[i])) continue;
    Result<Given> taken = peers_->take(meeting, meeting.calls[i].rank, origins_);
    if (!taken) return tl::make_unexpected(taken.error());
    given[i] = std::move(*taken);
  }
  return given;
}

}  // namespace loadproof::sim
