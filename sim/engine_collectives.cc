// Engine, second part: what collectives ask, what a meeting does to bytes and states.
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "sim/check.h"
#include "sim/engine.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

// States of all members' bytes joined: an interval of the result is tainted when any of the
// members' is, and else derived from the first member's.
struct Joined {
  int64_t begin, end;
  OriginId parent;
  bool bad;
};

std::vector<Joined> join(const OriginTable& origins,
                         const std::vector<std::vector<Interval>>& members) {
  std::vector<int64_t> cuts;
  for (const std::vector<Interval>& cells : members)
    for (const Interval& cell : cells) cuts.insert(cuts.end(), {cell.begin, cell.end});
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Joined> joined;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    Joined part{cuts[i], cuts[i + 1], kNoOrigin, false};
    for (const std::vector<Interval>& cells : members) {
      auto cell = std::find_if(cells.begin(), cells.end(),
                               [&](const Interval& c) { return c.end > part.begin; });
      if (cell == cells.end() || cell->begin > part.begin) continue;
      const bool bad = must_not_reach_sampling(origins.root_kind(cell->cell.origin));
      if (part.parent == kNoOrigin || (bad && !part.bad)) part.parent = cell->cell.origin;
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

// States of one member's piece into those of the whole.
void put(StateMap& whole, StateMap piece, const std::vector<Interval>& cells, const Layout& layout,
         int64_t item) {
  piece.splice(0, piece.bytes(), cells);
  for (const Part& part : layout.parts) {
    const int64_t from = part.piece * item, to = part.whole * item, bytes = part.count * item;
    whole.splice(to, to + bytes, piece.cut_out(from, from + bytes));
  }
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
      truncated.push_back({member.out[0], at::empty_like(given)});
      member.out[0] = truncated.back().received;
    }
  }
  return truncated;
}

}  // namespace

Result<Place> Engine::place_in(const std::string& group, int rank) const {
  return groups_.place_in(group, rank);
}

Result<int> Engine::member_of(const std::string& group, int rank, int64_t position) const {
  return groups_.member_of(group, rank, position);
}

Result<void> Engine::post(const StepContext& step, const Post& post) {
  const int rank = step.rank.index();
  const Result<int> group = groups_.index_of(post.group, rank);
  if (!group) return tl::make_unexpected(group.error());
  Call call{.op = post.op,
            .rank = rank,
            .step = step.step.index,
            .step_id = step.step.id,
            .source = post.source,
            .reduction = post.reduction,
            .match_bytes = post.match_bytes,
            .truncates = post.truncates,
            .timeout = post.timeout,
            .stall = post.stall,
            .tag = post.slot};
  if (post.slot >= 0) {
    const Slot& slot = step.rank.slot(post.slot);
    if (slot.value.is_meta())
      return fail(fmt::format("{} of {}, which is on meta and has no data", name(post.op),
                              slot.spec->name));
    call.tensor = slot.spec->name;
    call.dtype = dtype_of(slot.value);
    call.shape = shape_of(slot.value);
    call.bytes = bytes_of(slot.value);
    const bool gives = post.op != Collective::kBroadcast || post.source == rank;
    (gives && post.op != Collective::kAllReduce ? call.in : call.out).push_back(slot.value);
    if (post.op == Collective::kAllGather) call.out = gather_targets(*group, slot);
  }
  rendezvous_.arrive(*group, std::move(call));
  ++runner(rank).waiting;
  return {};
}

// Storage for every member's piece: rows of the joined tensor where all pieces follow each other in
// it, else memory of their own.
std::vector<at::Tensor> Engine::gather_targets(int group, const Slot& slot) {
  const Shard::Level& level = slot.shard->levels.back();
  const DType dtype = dtype_of(slot.value);
  std::vector<at::Tensor> targets;
  at::Tensor joined;
  int64_t end = 0;
  const auto members = static_cast<int64_t>(groups_.ranks_of(group).size());
  for (int64_t member = 0; member < members; ++member) {
    const Layout layout = *layout_of(level.cut, level.shape, {members, member});
    const int64_t count = element_count(layout.shape);
    const bool follows = layout.parts.empty() ? count == 0
                                              : layout.parts.size() == 1 &&
                                                    layout.parts[0] == Part{0, end, count};
    if (member == 0 && follows) joined = empty_tensor(level.shape, dtype);
    if (joined.defined() && follows)
      targets.push_back(joined.view(-1).narrow(0, end, count).view(layout.shape));
    else
      targets.push_back(empty_tensor(layout.shape, dtype));
    end += count;
  }
  return targets;
}

Result<void> Engine::meet() {
  std::vector<Meeting> meetings = rendezvous_.take_ready();
  std::vector<Transfer> transfers;
  for (Meeting& meeting : meetings)
    if (meeting.moves) transfers.push_back(std::move(meeting.transfer));
  const std::vector<Truncated> truncated = with_room(transfers);
  if (auto moved = backend_.run(transfers); !moved) return moved;
  for (const Truncated& one : truncated)
    std::memcpy(data_of(one.held), data_of(one.received),
                static_cast<size_t>(bytes_of(one.held)));
  for (const Meeting& meeting : meetings) {
    note_mismatches(meeting);
    if (meeting.moves) complete(meeting);
  }
  return {};
}

void Engine::note_mismatches(const Meeting& meeting) {
  for (const Mismatch& mismatch : meeting.mismatches)
    seen_.mismatches.push_back({mismatch.kind, mismatch.fatal, mismatch.text, mismatch.ranks,
                                mismatch.tensors, mismatch.step});
  for (int rank : meeting.aborted) {
    const auto call = std::find_if(meeting.calls.begin(), meeting.calls.end(),
                                   [&](const Call& c) { return c.rank == rank; });
    stop(runner(rank), Outcome::kAborted,
         fmt::format(
             "Received data size doesn't match expected size ({} of {} bytes in {}). Is there a "
             "distributed collective mismatch in your code?",
             call->tensor, call->bytes, call->step_id));
  }
}

void Engine::complete(const Meeting& meeting) {
  log(static_cast<uint64_t>(meeting.group) << 40 | static_cast<uint64_t>(meeting.sequence));
  switch (meeting.calls[0].op) {
    case Collective::kBroadcast: complete_broadcast(meeting); break;
    case Collective::kAllGather: complete_gather(meeting); break;
    case Collective::kAllReduce: complete_reduce(meeting); break;
    case Collective::kBarrier: break;
    default: SIM_CHECK(false, "no verb posts a {}", name(meeting.calls[0].op));
  }
  for (const Call& call : meeting.calls) {
    Runner& member = runner(call.rank);
    if (peaks_ && meeting.calls.size() > 1) peaks_->met(member.rank);
    if (call.tag >= 0) {
      const int slot = static_cast<int>(call.tag);
      log_writes(member, {&slot, 1});
      note_peak(member, call.step);
    }
    if (--member.waiting == 0 && !member.stopped) ready_.push_back(call.rank);
  }
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

void Engine::complete_broadcast(const Meeting& meeting) {
  const auto source = std::find_if(meeting.calls.begin(), meeting.calls.end(),
                                   [](const Call& call) { return call.rank == call.source; });
  const StateMap given = runner(source->rank).rank.states(static_cast<int>(source->tag));
  for (const Call& call : meeting.calls) {
    if (call.rank == source->rank) continue;
    const int64_t bytes = std::min(call.bytes, source->bytes);
    runner(call.rank).rank.wrote_bytes(static_cast<int>(call.tag),
                                       received(*source, call.step, given.read(0, bytes)));
  }
}

void Engine::complete_gather(const Meeting& meeting) {
  std::vector<std::vector<Interval>> given;
  for (const Call& call : meeting.calls) {
    const StateMap& states = runner(call.rank).rank.states(static_cast<int>(call.tag));
    given.push_back(states.intervals());
  }
  for (const Call& call : meeting.calls) {
    Rank& rank = runner(call.rank).rank;
    const Shard shard = *rank.slot(static_cast<int>(call.tag)).shard;
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
    if (moved) joined = empty_tensor(level.shape, call.dtype);
    const auto members = static_cast<int64_t>(given.size());
    for (int64_t member = 0; member < members; ++member) {
      const auto m = static_cast<size_t>(member);
      const Layout layout = *layout_of(level.cut, level.shape, {members, member});
      const StateMap piece(element_count(layout.shape) * item, {lost, 0});
      const std::vector<Interval> cells =
          meeting.calls[m].rank == call.rank ? given[m]
                                             : received(meeting.calls[m], call.step, given[m]);
      put(states, piece, cells, layout, item);
      for (const Part& part : layout.parts)
        if (moved)
          joined.view(-1).narrow(0, part.whole, part.count).copy_(
              call.out[m].view(-1).narrow(0, part.piece, part.count));
    }
    rank.give_shared(static_cast<int>(call.tag), std::move(joined), std::move(states),
                     without_last_cut(shard));
  }
}

void Engine::complete_reduce(const Meeting& meeting) {
  std::vector<std::vector<Interval>> members;
  for (const Call& call : meeting.calls)
    members.push_back(runner(call.rank).rank.states(static_cast<int>(call.tag)).intervals());
  const std::vector<Joined> joined = join(origins_, members);
  for (const Call& call : meeting.calls) {
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
    runner(call.rank).rank.wrote_bytes(static_cast<int>(call.tag), cells);
  }
}

void Engine::note_waits() {
  std::vector<std::string> whereabouts;
  for (const Runner& each : runners_) {
    if (each.stopped)
      whereabouts.push_back(fmt::format("{} at step {}: {}", name(each.seen.outcome),
                                        each.current ? each.current->id : "?", each.seen.error));
    else
      whereabouts.push_back(each.waiting > 0 ? "waiting" : "finished");
  }
  const WaitReport report = rendezvous_.report(whereabouts);
  for (const Waiting& waiting : report.waiting) {
    if (runner(waiting.rank).stopped) continue;
    seen_.waits.push_back({waiting.rank, waiting.step, waiting.op, waiting.tensor, waiting.group,
                           waiting.sequence, waiting.missing, waiting.text});
  }
  seen_.wait_report = report.text;
}

}  // namespace loadproof::sim
