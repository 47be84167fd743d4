#include "sim/procs/coordinator.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "sim/backends/call_text.h"
#include "sim/gathered.h"

namespace loadproof::sim {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{:.10g} s", std::chrono::duration<double>(time).count());
}

}  // namespace

Coordinator::Coordinator(const Topology& topology, std::span<Link> links,
                         std::chrono::milliseconds patience, int64_t run, bool one_by_one,
                         Silence silence)
    : groups_(topology),
      named_(groups_.all().size()),
      rendezvous_(groups_.all()),
      links_(links),
      patience_(patience),
      run_(run),
      one_by_one_(one_by_one),
      silence_(std::move(silence)),
      seats_(links.size()),
      topology_(topology) {
  gathered_.seen.resize(links.size());
  for (Seat& seat : seats_) seat.heard = Clock::now();
}

Gathered Coordinator::run() {
  while (take_turns() && wait_for_all(Place::kWaits)) {
    go_through_turns();
    if (!gathered_.error.empty()) break;
    std::vector<Meeting> meetings = rendezvous_.take_ready();
    if (!meetings.empty()) {
      call(std::move(meetings));
      continue;
    }
    end();
    if (wait_for_all(Place::kSeen))
      for (size_t rank = 0; rank < seats_.size(); ++rank)
        gathered_.seen[rank] = std::move(seats_[rank].seen);
    break;
  }
  return std::move(gathered_);
}

bool Coordinator::wait_for_all(Place least) {
  // Signs of life come by another way, and are looked at so often.
  const auto pause = std::clamp(patience_ / 8, milliseconds(1), milliseconds(200));
  while (true) {
    if (auto gone = ranks_that([](const Seat& s) { return s.closed; }); !gone.empty()) {
      lose(std::move(gone), "its process has ended");
      return false;
    }
    if (!ranks_that([](const Seat& s) { return s.place == Place::kFailed; }).empty()) {
      give_up();
      return false;
    }
    const Place last = std::ranges::min_element(seats_, {}, &Seat::place)->place;
    if (last >= least) return true;
    if (auto silent = silent_ranks(last); !silent.empty()) {
      lose(std::move(silent), fmt::format("has said nothing for {}", seconds_text(patience_)));
      return false;
    }
    pump(Clock::now() + pause);
  }
}

std::vector<int> Coordinator::silent_ranks(Place last) const {
  std::vector<int> silent;
  const auto give_no_sign = [&](milliseconds least) {
    for (size_t rank = 0; silence_ && rank < seats_.size(); ++rank)
      if (silence_(static_cast<int>(rank)) >= least) silent.push_back(static_cast<int>(rank));
    return !silent.empty();
  };
  // Who was lost together is told together, though some signs had come a little later.
  if (give_no_sign(patience_)) {
    silent.clear();
    give_no_sign(patience_ * 3 / 4);
    return silent;
  }
  for (size_t rank = 0; rank < seats_.size(); ++rank)
    if (seats_[rank].place == last && Clock::now() - seats_[rank].heard >= patience_)
      silent.push_back(static_cast<int>(rank));
  return silent;
}

void Coordinator::pump(Clock::time_point until) {
  std::vector<pollfd> polled;
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    const short events = links_[rank].has_output() ? POLLIN | POLLOUT : POLLIN;
    const int socket = seats_[rank].closed ? -1 : links_[rank].socket();
    polled.push_back({.fd = socket, .events = events, .revents = 0});
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  if (poll(polled.data(), polled.size(), static_cast<int>(std::max<int64_t>(0, left))) <= 0)
    return;
  for (size_t rank = 0; rank < links_.size(); ++rank) {
    if (polled[rank].revents == 0) continue;
    Link& link = links_[rank];
    const bool sent = link.flush(), open = link.fill();
    while (true) {
      const Result<std::optional<std::string>> frame = link.next();
      if (frame && !*frame) break;
      if (!frame) {
        seats_[rank].closed = true;
        break;
      }
      take(static_cast<int>(rank), **frame);
    }
    if (!sent || !open) seats_[rank].closed = true;
  }
}

void Coordinator::take(int rank, const std::string& frame) {
  Result<Message> message = read_message(frame);
  if (message && message->run != run_) return;
  if (message) return take(rank, std::move(*message));
  take(rank, {.kind = "failed", .text = message.error().message});
}

void Coordinator::take(int rank, Message message) {
  Seat& seat = seats_[static_cast<size_t>(rank)];
  const auto fail_with = [&](std::string why) {
    seat.place = Place::kFailed;
    seat.failure = std::move(why);
  };
  seat.heard = Clock::now();
  if (message.kind == "turn") {
    Result<Turn> turn = read_turn(message.body);
    if (!turn) return fail_with(turn.error().message);
    seat.turn = std::move(*turn);
    seat.has_turn = true;
    seat.place = Place::kWaits;
  } else if (message.kind == "step") {
    seat.step = std::move(message.text);
  } else if (message.kind == "ready") {
    seat.place = Place::kReady;
    seat.woken_by = message.number;
  } else if (message.kind == "moves") {
    seat.place = Place::kMoves;
  } else if (message.kind == "moved") {
    seat.place = Place::kMoved;
  } else if (message.kind == "given") {
    message.rank = rank;
    const std::vector<int> to = std::exchange(message.to, {});
    for (int other : to)
      if (other >= 0 && other < static_cast<int>(links_.size())) tell(other, message);
  } else if (message.kind == "seen") {
    seat.seen = std::move(message.body);
    seat.place = Place::kSeen;
  } else if (message.kind != "waits") {
    fail_with(message.kind == "failed" ? message.text : "it says \"" + message.kind + "\"");
  }
}

void Coordinator::tell(int rank, Message message) {
  Link& link = links_[static_cast<size_t>(rank)];
  seats_[static_cast<size_t>(rank)].heard = Clock::now();
  message.run = run_;
  link.queue(write_message(message));
  if (!link.flush()) seats_[static_cast<size_t>(rank)].closed = true;
}

// By the meeting that let each go on, and by its place in that.
std::vector<int> Coordinator::in_order(const std::vector<std::pair<int64_t, int>>& woken) const {
  std::map<std::pair<int64_t, int>, int64_t> places;
  int64_t place = 0;
  for (const auto& [number, ranks] : order_)
    for (int rank : ranks) places[{number, rank}] = place++;
  std::vector<std::pair<int64_t, int>> placed;
  for (const auto& one : woken) {
    const auto known = places.find(one);
    placed.emplace_back(known == places.end() ? place : known->second, one.second);
  }
  std::ranges::sort(placed);
  std::vector<int> ranks;
  for (const auto& [ignored, rank] : placed) ranks.push_back(rank);
  return ranks;
}

bool Coordinator::take_turns() {
  if (!one_by_one_) return true;
  if (!wait_for_all(Place::kReady)) return false;
  std::vector<std::pair<int64_t, int>> woken;
  for (size_t rank = 0; rank < seats_.size(); ++rank)
    if (seats_[rank].place == Place::kReady)
      woken.emplace_back(seats_[rank].woken_by, static_cast<int>(rank));
  for (int rank : in_order(woken)) {
    std::vector<StoreNews> news;
    for (const auto& [copy, version] : versions_)
      news.push_back({copy.first, copy.second, version});
    Seat& seat = seats_[static_cast<size_t>(rank)];
    seat.place = Place::kRuns;
    tell(rank, {.kind = "go", .body = write_news(news)});
    if (!wait_for_all(Place::kReady)) return false;
    for (const StoreNews& one : seat.turn.changed) ++versions_[{one.store, one.copy}];
  }
  return true;
}

void Coordinator::go_through_turns() {
  std::vector<std::pair<int64_t, int>> woken;
  for (size_t rank = 0; rank < seats_.size(); ++rank)
    if (std::exchange(seats_[rank].has_turn, false))
      woken.emplace_back(seats_[rank].turn.woken_by, static_cast<int>(rank));
  const std::vector<int> turns = in_order(woken);
  for (const auto& [number, ranks] : order_) {
    note_held(ranks, number, /*met=*/true);
    note_held(ranks, number, /*met=*/false);
  }
  order_.clear();
  for (int rank : turns) {
    go_through(rank, seats_[static_cast<size_t>(rank)].turn);
    note_held({rank}, -1, /*met=*/false);
  }
}

void Coordinator::note_held(const std::vector<int>& ranks, int64_t meeting, bool met) {
  for (int rank : ranks)
    for (const HeldMemory& one : seats_[static_cast<size_t>(rank)].turn.held) {
      if (one.meeting != meeting || one.met != met) continue;
      if (!peaks_) peaks_.emplace(topology_);
      if (met)
        peaks_->met(rank, one.use);
      else
        peaks_->note(rank, one.use, one.step);
    }
}

void Coordinator::go_through(int rank, const Turn& turn) {
  Seat& seat = seats_[static_cast<size_t>(rank)];
  seat.whereabouts = turn.whereabouts;
  seat.stopped = turn.stopped;
  for (const auto& event : turn.events) {
    if (const auto* work = std::get_if<Working>(&event))
      rendezvous_.clocks().work(rank, work->seconds, work->step);
    else
      post(rank, std::get<Posting>(event));
  }
  for (VacuousObservation seen : turn.vacuous) {
    seen.ranks = {rank};
    add_vacuous(gathered_.vacuous, std::move(seen));
  }
}

void Coordinator::post(int rank, const Posting& posting) {
  int group = posting.group;
  if (posting.channel) {
    const size_t known = groups_.all().size();
    group = groups_.channel(posting.channel->first, posting.channel->second);
    if (static_cast<size_t>(group) == known) rendezvous_.add(groups_.all().back());
  }
  const bool is_one = group >= 0 && static_cast<size_t>(group) < groups_.all().size();
  if (!is_one || posting.call.rank != rank ||
      std::ranges::find(groups_.ranks_of(group), rank) == groups_.ranks_of(group).end()) {
    gathered_.error = fmt::format("rank {} has called in a group in which it is not", rank);
    return;
  }
  rendezvous_.arrive(group, posting.call);
}

void Coordinator::call(std::vector<Meeting> meetings) {
  order_.clear();
  std::vector<std::vector<const Meeting*>> by_rank(seats_.size());
  for (Meeting& meeting : meetings) {
    meeting.number = meetings_++;
    for (const Mismatch& mismatch : meeting.mismatches)
      gathered_.mismatches.push_back(observation_of(mismatch));
    if (static_cast<size_t>(meeting.group) >= named_) meeting.group = -1;
    for (const Call& each : meeting.calls) {
      order_[meeting.number].push_back(each.rank);
      by_rank[static_cast<size_t>(each.rank)].push_back(&meeting);
    }
  }
  for (size_t rank = 0; rank < by_rank.size(); ++rank) {
    if (by_rank[rank].empty()) continue;
    const std::vector<Call>& calls = by_rank[rank][0]->calls;
    seats_[rank].called_to =  // without its "in "
        call_in_words(*std::ranges::find(calls, static_cast<int>(rank), &Call::rank)).substr(3);
    seats_[rank].place = Place::kCalled;
    seats_[rank].step.clear();
    tell(static_cast<int>(rank), {.kind = "meet", .body = write_meetings(by_rank[rank])});
  }
}

void Coordinator::end() {
  std::vector<std::string> whereabouts;
  for (const Seat& seat : seats_) whereabouts.push_back(seat.whereabouts);
  const WaitReport report = rendezvous_.report(whereabouts);
  for (const Waiting& waiting : report.waiting)
    if (!seats_[static_cast<size_t>(waiting.rank)].stopped)
      gathered_.waits.push_back(observation_of(waiting));
  gathered_.wait_report = report.text;
  if (peaks_) gathered_.peaks = peaks_->take();
  for (size_t rank = 0; rank < seats_.size(); ++rank) {
    tell(static_cast<int>(rank), {.kind = "over"});
  }
}

std::vector<int> Coordinator::ranks_that(bool (*is)(const Seat&)) const {
  std::vector<int> ranks;
  for (size_t rank = 0; rank < seats_.size(); ++rank)
    if (is(seats_[rank])) ranks.push_back(static_cast<int>(rank));
  return ranks;
}

std::string Coordinator::text_of(const Seat& seat) const {
  switch (seat.place) {
    case Place::kRuns:
    case Place::kMoved:
      if (!seat.step.empty()) return "in step " + seat.step;
      if (seat.called_to.empty()) return "on its way from the start";
      return "on its way after " + seat.called_to;
    case Place::kCalled: return "called to " + seat.called_to;
    case Place::kMoves: return "in the transfer of " + seat.called_to;
    case Place::kReady: return "waiting for its turn";
    case Place::kWaits:
      if (seat.whereabouts != "waiting" || seat.step.empty()) return seat.whereabouts;
      return "waiting in step " + seat.step;
    case Place::kSeen: return "at the end";
    case Place::kFailed: return seat.failure.empty() ? "stopped" : "failed: " + seat.failure;
  }
  return "";
}

// Where the others are, those in one place together, and for whom they wait.
std::string Coordinator::others_text(const std::vector<int>& lost) {
  std::map<std::string, std::vector<int>> places;
  for (size_t rank = 0; rank < seats_.size(); ++rank)
    if (const int one = static_cast<int>(rank); std::ranges::find(lost, one) == lost.end())
      places[text_of(seats_[rank])].push_back(one);
  std::string text;
  for (const auto& [place, ranks] : places)
    text += fmt::format("; {}: {}", ranks_in_words(ranks), place);
  std::vector<std::string> whereabouts;
  for (const Seat& seat : seats_) whereabouts.push_back(text_of(seat));
  for (int rank : lost) whereabouts[static_cast<size_t>(rank)] = "lost";
  std::string waits = rendezvous_.report(whereabouts).text;
  while (waits.ends_with('\n')) waits.pop_back();
  return waits.empty() ? text : text + "\n" + waits;
}

void Coordinator::lose(std::vector<int> ranks, const std::string& how) {
  std::string error;
  for (int rank : ranks)
    error += fmt::format("{}rank {} is lost: {} ({})", error.empty() ? "" : "; ", rank, how,
                         text_of(seats_[static_cast<size_t>(rank)]));
  go_through_turns();
  rendezvous_.take_ready();
  gathered_.error = error + others_text(ranks);
  gathered_.lost = std::move(ranks);
  for (size_t rank = 0; rank < seats_.size(); ++rank)
    if (!seats_[rank].closed) tell(static_cast<int>(rank), {.kind = "stop", .text = error});
}

void Coordinator::give_up() {
  const auto until = Clock::now() + patience_;
  const auto open = [](const Seat& s) { return !s.closed && s.place < Place::kSeen; };
  const int first = ranks_that([](const Seat& s) { return s.place == Place::kFailed; })[0];
  const std::string why = seats_[static_cast<size_t>(first)].failure;
  for (int rank : ranks_that(open))
    tell(rank, {.kind = "stop", .text = fmt::format("rank {} has failed: {}", first, why)});
  while (!ranks_that(open).empty() && Clock::now() < until) pump(until);
  if (const auto gone = ranks_that([](const Seat& s) { return s.closed; }); !gone.empty())
    return lose(gone, "its process has ended");
  if (const auto silent = ranks_that(open); !silent.empty())
    return lose(silent, fmt::format("does not answer after rank {} has failed: {}", first, why));
  const bool alike =
      std::ranges::all_of(seats_, [&](const Seat& s) { return s.failure == why; });
  gathered_.error = alike ? why : fmt::format("rank {}: {}", first, why);
}

}  // namespace loadproof::sim
