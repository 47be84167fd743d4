// Engine, second part: what collectives ask, what a meeting does to bytes and states.
#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

Result<int> Engine::group_index(const std::string& group, int rank) const {
  if (group == "world") return 0;
  if (group == "node") return 1 + spec_.topology.node_of(rank);
  return fail(fmt::format("there is no group '{}'; there are world and node", group));
}

Result<Place> Engine::place_in(const std::string& group, int rank) const {
  const Result<int> index = group_index(group, rank);
  if (!index) return tl::make_unexpected(index.error());
  const std::vector<int>& ranks = rendezvous_.groups()[static_cast<size_t>(*index)].ranks;
  const auto position = std::find(ranks.begin(), ranks.end(), rank) - ranks.begin();
  return Place{static_cast<int64_t>(ranks.size()), position};
}

Result<int> Engine::member_of(const std::string& group, int rank, int64_t position) const {
  const Result<int> index = group_index(group, rank);
  if (!index) return tl::make_unexpected(index.error());
  const std::vector<int>& ranks = rendezvous_.groups()[static_cast<size_t>(*index)].ranks;
  if (position < 0 || position >= static_cast<int64_t>(ranks.size()))
    return fail(fmt::format("the group has {} ranks and no rank {}", ranks.size(), position));
  return ranks[static_cast<size_t>(position)];
}

Result<void> Engine::post(const StepContext& step, const Post& post) {
  const int rank = step.rank.index();
  const Result<int> group = group_index(post.group, rank);
  if (!group) return tl::make_unexpected(group.error());
  Call call{.op = post.op,
            .rank = rank,
            .step = step.step.index,
            .step_id = step.step.id,
            .source = post.source,
            .reduction = post.reduction,
            .match_bytes = post.match_bytes,
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

// Storage for every member's piece: rows of the joined tensor where they are neighbours in it.
std::vector<at::Tensor> Engine::gather_targets(int group, const Slot& slot) {
  const Shard& shard = *slot.shard;
  const auto members =
      static_cast<int64_t>(rendezvous_.groups()[static_cast<size_t>(group)].ranks.size());
  std::vector<at::Tensor> targets;
  const at::Tensor joined =
      shard.dim == 0 ? empty_tensor(shard.full_shape, dtype_of(slot.value)) : at::Tensor();
  for (int64_t member = 0; member < members; ++member) {
    const Chunk chunk = chunk_of(shard.full_shape[static_cast<size_t>(shard.dim)], members, member);
    targets.push_back(
        joined.defined()
            ? joined.narrow(0, chunk.begin, chunk.size)
            : empty_tensor(rows(shard.full_shape, shard.dim, chunk.begin, chunk.size).size,
                           dtype_of(slot.value)));
  }
  return targets;
}

Result<void> Engine::meet() {
  std::vector<Meeting> meetings = rendezvous_.take_ready();
  std::vector<Transfer> transfers;
  for (Meeting& meeting : meetings)
    if (meeting.moves) transfers.push_back(std::move(meeting.transfer));
  if (auto moved = backend_.run(transfers); !moved) return moved;
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
    if (call.tag >= 0) {
      const int slot = static_cast<int>(call.tag);
      log_writes(member, {&slot, 1});
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
    const int64_t item = item_size(call.dtype);
    StateMap states(element_count(shard.full_shape) * item, {kNoOrigin, 0});
    at::Tensor joined = shard.dim == 0 ? call.out[0].as_strided(shard.full_shape,
                                                                dense_strides(shard.full_shape), 0)
                                       : empty_tensor(shard.full_shape, call.dtype);
    int64_t begin = 0;
    for (size_t member = 0; member < given.size(); ++member) {
      const int64_t extent = call.out[member].size(shard.dim);
      const std::vector<Interval> cells =
          meeting.calls[member].rank == call.rank
              ? given[member]
              : received(meeting.calls[member], call.step, given[member]);
      write_box(states, shard.full_shape, rows(shard.full_shape, shard.dim, begin, extent), item,
                cells);
      if (shard.dim != 0) joined.narrow(shard.dim, begin, extent).copy_(call.out[member]);
      begin += extent;
    }
    rank.give_shared(static_cast<int>(call.tag), std::move(joined), std::move(states),
                     std::nullopt);
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
