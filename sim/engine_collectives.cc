// Engine, second part: what a meeting does to bytes and states.
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>

#include "sim/check.h"
#include "sim/engine.h"
#include "sim/gathered.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

// States of all members' bytes joined: an interval of the result is tainted when any of the
// members' is; else it is derived from the first member that gives no finite number there, or else
// from the first.
struct Joined {
  int64_t begin, end;
  OriginId parent;
  bool bad;
};

// What one member gives to a reduction.
struct Addend {
  const std::vector<Interval>& cells;
  const at::Tensor& broken;
  int64_t item = 1;

  bool is_broken(int64_t byte) const {
    return broken.defined() && broken.const_data_ptr<bool>()[byte / item];
  }
};

// Where elements that are finite border on those that are not.
void add_borders(const Addend& given, std::vector<int64_t>& cuts) {
  if (!given.broken.defined()) return;
  for (int64_t i = 1; i < given.broken.numel(); ++i)
    if (given.is_broken(i * given.item) != given.is_broken((i - 1) * given.item))
      cuts.push_back(i * given.item);
}

std::vector<Joined> join(const OriginTable& origins, const std::vector<Addend>& members) {
  std::vector<int64_t> cuts;
  for (const Addend& given : members) {
    for (const Interval& cell : given.cells) cuts.insert(cuts.end(), {cell.begin, cell.end});
    add_borders(given, cuts);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Joined> joined;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    Joined part{cuts[i], cuts[i + 1], kNoOrigin, false};
    int blame = -1;  // of the parent: 2 must not reach sampling, 1 no finite number
    for (const Addend& given : members) {
      auto cell = std::ranges::find_if(given.cells,
                                       [&](const Interval& c) { return c.end > part.begin; });
      if (cell == given.cells.end() || cell->begin > part.begin) continue;
      const bool bad = must_not_reach_sampling(origins.root_kind(cell->cell.origin));
      const int own = bad ? 2 : given.is_broken(part.begin) ? 1 : 0;
      if (own > blame) part.parent = cell->cell.origin;
      blame = std::max(blame, own);
      part.bad = part.bad || bad;
    }
    joined.push_back(part);
  }
  return joined;
}

// The tensor that all targets of a gather are rows of; undefined: they are not.
at::Tensor joined_of(const Call& call, const std::vector<int64_t>& shape) {
  const at::Tensor& first = call.out[0];
  int64_t offset = 0;
  for (const at::Tensor& target : call.out) {
    if (!target.is_alias_of(first) || target.storage_offset() != offset) return {};
    offset += target.numel();
  }
  if (offset != element_count(shape)) return {};
  return first.as_strided(shape, dense_strides(shape), 0);
}

// A receiver that holds fewer bytes than it is given.
struct Truncated {
  at::Tensor held, received;
};

// Lets such receivers have all bytes first, for a backend aborts whom it gives more than it holds.
std::vector<Truncated> with_room(std::vector<Transfer>& transfers) {
  std::vector<Truncated> truncated;
  for (Transfer& transfer : transfers) {
    if (transfer.op != Collective::kBroadcast) continue;
    const at::Tensor& given = transfer.members[static_cast<size_t>(transfer.source)].in[0];
    for (Member& member : transfer.members) {
      if (member.out.empty() || member.out[0].nbytes() >= given.nbytes()) continue;
      const bool is_here = !member.out[0].is_meta();  // and in no other process
      const at::Tensor room =
          empty_tensor({bytes_of(given)}, DType::kUint8, member.out[0].device());
      if (is_here) truncated.push_back({member.out[0], room});
      member.out[0] = room;
    }
  }
  return truncated;
}

}  // namespace

Result<void> Engine::move_bytes(std::vector<Meeting>& meetings) {
  std::vector<Transfer> transfers;
  for (Meeting& meeting : meetings)
    if (meeting.moves) transfers.push_back(std::move(meeting.transfer));
  const std::vector<Truncated> truncated = with_room(transfers);
  if (auto moved = backend_.run(transfers); !moved) return moved;
  for (const Truncated& one : truncated)
    one.held.view(-1).view(at::kByte).copy_(one.received.narrow(0, 0, bytes_of(one.held)));
  return {};
}

Result<void> Engine::meet() {
  std::vector<Meeting> meetings;
  if (!peers_) {
    meetings = rendezvous_.take_ready();
  } else if (auto met = meet_peers()) {
    meetings = std::move(*met);
  } else {
    return tl::make_unexpected(met.error());
  }
  if (auto moved = move_bytes(meetings); !moved) return moved;
  if (peers_ && !meetings.empty())
    if (auto told = peers_->tell_moving(/*moved=*/true); !told) return told;
  for (const Meeting& meeting : meetings) {
    note_mismatches(meeting);
    if (!meeting.moves) continue;
    if (auto done = complete(meeting); !done) return done;
  }
  return {};
}

void Engine::note_mismatches(const Meeting& meeting) {
  for (const Mismatch& mismatch : meeting.mismatches)
    seen_.mismatches.push_back(observation_of(mismatch));
  for (int rank : meeting.aborted) {
    if (!runs(rank)) continue;
    const auto call = std::find_if(meeting.calls.begin(), meeting.calls.end(),
                                   [&](const Call& c) { return c.rank == rank; });
    stop(runner(rank), Outcome::kAborted,
         fmt::format(
             "Received data size doesn't match expected size ({} of {} bytes in {}). Is there a "
             "distributed collective mismatch in your code?",
             call->tensor, call->bytes, call->step_id));
  }
}

Result<void> Engine::complete(const Meeting& meeting) {
  completes_ = meeting.number;
  log(static_cast<uint64_t>(meeting.group) << 40 | static_cast<uint64_t>(meeting.sequence));
  for (const Call& call : meeting.calls) {
    if (!runs(call.rank)) continue;
    const Runner& member = runner(call.rank);
    if (!member.memory) continue;
    member.memory->begin(call.step);
    if (meeting.calls.size() == 1) continue;
    note_met(member, call.step);
    member.costs->meet(posted(call).meet, member.memory->now());
  }
  const Result<AllGiven> given = given_in(meeting);
  if (!given) return tl::make_unexpected(given.error());
  switch (meeting.calls[0].op) {
    case Collective::kBroadcast: case Collective::kSend: complete_broadcast(meeting, *given); break;
    case Collective::kScatter: complete_scatter(meeting, *given); break;
    case Collective::kGather:
    case Collective::kAllGather: complete_gather(meeting, *given); break;
    case Collective::kAllReduce: complete_reduce(meeting, *given); break;
    case Collective::kBarrier: break;
  }
  for (const Call& call : meeting.calls) {
    if (!runs(call.rank)) continue;
    Runner& member = runner(call.rank);
    if (posted(call).slot >= 0) {
      log_writes(member, {&posted(call).slot, 1});
      share(member);
      note_peak(member, call.step);
    }
    posted_[static_cast<size_t>(call.tag)] = {};
    if (call.async && --member.open[call.step] > 0) continue;
    if (call.async && member.awaited != call.step) continue;
    if (call.async) member.awaited = -1;
    if (--member.waiting > 0 || member.stopped) continue;
    ready_.push_back(call.rank);
    turn_.woken_by = meeting.number;
  }
  completes_ = -1;
  return {};
}

std::vector<Interval> Engine::received(const Call& sender, int step, std::vector<Interval> cells) {
  for (Interval& cell : cells)
    cell.cell.origin = origins_.add({.kind = StateKind::kReceived,
                                     .rank = sender.rank,
                                     .step = step,
                                     .parent = cell.cell.origin,
                                     .item_size = static_cast<int32_t>(item_size(sender.dtype)),
                                     .what = sender.tensor});
  return cells;
}

Given Engine::given_by(const Call& call) const {
  Given given{.states = states_given_by(call), .broken = posted(call).broken, .level = {}};
  if (call.op == Collective::kScatter) given.level = posted(call).shard->levels.back();
  return given;
}

// As its transport sees the bytes.
StateMap Engine::states_given_by(const Call& call) const {
  const Posted& known = posted(call);
  const Rank& rank = runner(call.rank).rank;
  const Slot& slot = rank.slot(known.slot);
  if (!slot.view || known.strided != Strided::kIgnore) return rank.states(known.slot);
  const int64_t begin =
      slot.value.storage_offset() * static_cast<int64_t>(slot.value.element_size());
  StateMap given(call.bytes, {kNoOrigin, 0});
  given.splice(0, call.bytes,
               rank.storage_states(known.slot).cut_out(begin, begin + call.bytes));
  return given;
}

// Bytes have come into what the transport saw of the slot.
void Engine::write_received(const Call& call, const std::vector<Interval>& cells) {
  const Posted& known = posted(call);
  Rank& rank = runner(call.rank).rank;
  if (known.strided == Strided::kIgnore) return rank.wrote_memory(known.slot, cells);
  at::Tensor value = rank.slot(known.slot).value;
  if (!value.is_contiguous()) value.copy_(known.moved);
  rank.wrote_bytes(known.slot, cells);
}

void Engine::complete_broadcast(const Meeting& meeting, const AllGiven& all) {
  const auto source = std::ranges::find_if(
      meeting.calls, [](const Call& call) { return call.rank == call.source; });
  const StateMap& given = all[static_cast<size_t>(source - meeting.calls.begin())].states;
  for (const Call& call : meeting.calls) {
    if (call.rank == source->rank || !runs(call.rank)) continue;
    const int64_t bytes = std::min(call.bytes, source->bytes);
    write_received(call, received(*source, call.step, given.read(0, bytes)));
  }
}

void Engine::complete_scatter(const Meeting& meeting, const AllGiven& all) {
  const auto source = std::ranges::find_if(
      meeting.calls, [](const Call& call) { return call.rank == call.source; });
  const Given& given = all[static_cast<size_t>(source - meeting.calls.begin())];
  for (const Call& call : meeting.calls) {
    if (!runs(call.rank)) continue;
    const Posted& known = posted(call);
    const auto item = static_cast<int64_t>(item_size(call.dtype));
    const OriginId padding = origins_.add({.kind = StateKind::kComputed,
                                           .rank = source->rank,
                                           .step = source->step,
                                           .item_size = static_cast<int32_t>(item),
                                           .what = "padding"});
    const auto place = static_cast<int64_t>(&call - meeting.calls.data());
    const Shard::Level& level = *given.level;
    const auto members = static_cast<int64_t>(meeting.calls.size());
    std::vector<Interval> cells = pick(
        given.states, *layout_of(level.cut, level.shape, {members, place}), item, {padding, 0});
    if (call.rank != source->rank) cells = received(*source, call.step, std::move(cells));
    StateMap states(bytes_of(known.moved), {padding, 0});
    states.splice(0, states.bytes(), cells);
    runner(call.rank).rank.give_shared(known.slot, known.moved, std::move(states), known.shard);
  }
}

void Engine::complete_inner_gather(const Meeting& meeting, const AllGiven& given) {
  for (const Call& call : meeting.calls) {
    if (!runs(call.rank)) continue;
    const Posted& known = posted(call);
    if (known.dim < 0) continue;  // of a gather to one: not that one
    const auto item = static_cast<int64_t>(item_size(call.dtype));
    at::Tensor joined = at::cat(call.out, known.dim).contiguous();
    StateMap states(bytes_of(joined), {kNoOrigin, 0});
    int64_t begin = 0;
    for (size_t m = 0; m < given.size(); ++m) {
      const int64_t count = call.out[m].size(known.dim);
      const bool own = meeting.calls[m].rank == call.rank;
      write_box(states, shape_of(joined), rows(shape_of(joined), known.dim, begin, count), item,
                own ? given[m].states.intervals()
                    : received(meeting.calls[m], call.step, given[m].states.intervals()));
      begin += count;
    }
    runner(call.rank).rank.give_shared(known.slot, std::move(joined), std::move(states),
                                       known.shard);
  }
}

void Engine::complete_gather(const Meeting& meeting, const AllGiven& given) {
  if (std::ranges::any_of(meeting.calls, [&](const Call& call) {
        return runs(call.rank) && posted(call).dim >= 0;
      }))
    return complete_inner_gather(meeting, given);
  for (const Call& call : meeting.calls) {
    if (!runs(call.rank)) continue;
    if (call.op == Collective::kGather && call.rank != call.source) continue;
    Rank& rank = runner(call.rank).rank;
    const int slot = posted(call).slot;
    const Shard shard = *rank.slot(slot).shard;
    const Shard::Level& level = shard.levels.back();
    const int64_t item = item_size(call.dtype);
    const OriginId lost = origins_.add({.kind = StateKind::kUndefined,
                                        .rank = call.rank,
                                        .step = call.step,
                                        .item_size = static_cast<int32_t>(item),
                                        .what = "in no piece"});
    StateMap states(element_count(level.shape) * item, {lost, 0});
    at::Tensor joined = joined_of(call, level.shape);
    const bool moved = !joined.defined();
    if (moved) joined = empty_tensor(level.shape, call.dtype, call.out[0].device());
    const auto members = static_cast<int64_t>(given.size());
    for (int64_t member = 0; member < members; ++member) {
      const auto m = static_cast<size_t>(member);
      const Layout layout = *layout_of(level.cut, level.shape, {members, member});
      StateMap piece(element_count(layout.shape) * item, {lost, 0});
      const std::vector<Interval> cells =
          meeting.calls[m].rank == call.rank
              ? given[m].states.intervals()
              : received(meeting.calls[m], call.step, given[m].states.intervals());
      piece.splice(0, piece.bytes(), cells);
      put(states, piece, layout.parts, item);
      for (const Part& part : layout.parts)
        if (moved)
          joined.view(-1).narrow(0, part.whole, part.count).copy_(
              call.out[m].view(-1).narrow(0, part.piece, part.count));
    }
    rank.give_shared(slot, std::move(joined), std::move(states), without_last_cut(shard));
  }
}

void Engine::complete_reduce(const Meeting& meeting, const AllGiven& given) {
  std::vector<Addend> members;
  for (size_t i = 0; i < given.size(); ++i)
    members.push_back({given[i].states.intervals(), given[i].broken,
                       item_size(meeting.calls[i].dtype)});
  const std::vector<Joined> joined = join(origins_, members);
  for (const Call& call : meeting.calls) {
    if (!runs(call.rank)) continue;
    if (call.source >= 0 && call.source != call.rank) continue;
    std::vector<Interval> cells;
    for (const Joined& part : joined) {
      const OriginId origin =
          origins_.add({.kind = part.bad ? StateKind::kTainted : StateKind::kDerived,
                        .rank = call.rank,
                        .step = call.step,
                        .parent = part.parent,
                        .item_size = static_cast<int32_t>(item_size(call.dtype)),
                        .what = "all_reduce"});
      cells.push_back({part.begin, part.end, {origin, part.begin}});
    }
    write_received(call, cells);
  }
}

void Engine::note_waits() {
  std::vector<std::string> whereabouts;
  for (const Runner& each : runners_) whereabouts.push_back(whereabouts_of(each));
  const WaitReport report = rendezvous_.report(whereabouts);
  for (const Waiting& waiting : report.waiting) {
    if (!runner(waiting.rank).stopped) seen_.waits.push_back(observation_of(waiting));
  }
  seen_.wait_report = report.text;
}

}  // namespace loadproof::sim
