// Engine, fourth part: what collective steps ask for, and the memory that they bring to a meeting.
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "sim/accelerators.h"
#include "sim/check.h"
#include "sim/engine.h"
#include "sim/steps/piece.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

// What a transport is handed of a tensor that is no dense stretch of memory.
Result<at::Tensor> as_moved(const Slot& slot, Collective op, Strided strided) {
  const at::Tensor& value = slot.value;
  if (value.is_contiguous()) return value;
  if (strided == Strided::kPack) return value.contiguous();
  if (strided == Strided::kIgnore)
    return value.as_strided({value.numel()}, {1}, value.storage_offset()).view(value.sizes());
  return fail(fmt::format("Tensors must be contiguous: {} of {}, a view with strides [{}]",
                          name(op), slot.spec->name, fmt::join(value.strides(), ", ")));
}

}  // namespace

Result<Place> Engine::place_in(const std::string& group, int rank) const {
  return groups_.place_in(group, rank);
}

Result<int> Engine::member_of(const std::string& group, int rank, int64_t position) const {
  return groups_.member_of(group, rank, position);
}

Result<int> Engine::group_of(const Post& post, int rank) {
  if (!post.channel) return groups_.index_of(post.group, rank);
  const auto [from, to] = *post.channel;
  const int ranks = spec_.topology.ranks();
  if (from < 0 || from >= ranks || to < 0 || to >= ranks || from == to)
    return fail(fmt::format("nothing can go from rank {} to rank {} of {}", from, to, ranks));
  const int known = static_cast<int>(groups_.all().size());
  const int index = groups_.channel(from, to);
  if (index == known) rendezvous_.add(groups_.all().back());
  return index;
}

Meet Engine::meet_of(const StepContext& step, const Post& post, int group) const {
  Meet meet{.op = post.op,
            .group = post.channel ? "" : post.group,
            .index = group,
            .match_bytes = post.match_bytes,
            .step = step.step.index};
  if (post.channel) std::tie(meet.from, meet.to) = *post.channel;
  const std::vector<int>& members = groups_.ranks_of(group);
  const auto root = std::ranges::find(members, post.source);
  if (root != members.end()) meet.root = static_cast<int>(root - members.begin());
  if (post.slot < 0) return meet;
  const Slot& slot = step.rank.slot(post.slot);
  meet.tensor = slot.spec->name;
  const bool joins = post.op == Collective::kGather || post.op == Collective::kAllGather;
  const bool whole = post.op == Collective::kScatter || (joins && slot.shard);
  const std::vector<int64_t> shape = joins && slot.shard ? slot.shard->levels[post.level].shape
                                     : whole ? slot.spec->shape : shape_of(slot.value);
  meet.bytes = element_count(shape) * static_cast<int64_t>(slot.value.element_size());
  return meet;
}

Result<void> Engine::post(const StepContext& step, const Post& post) {
  const int rank = step.rank.index();
  const Result<int> group = group_of(post, rank);
  if (!group) return tl::make_unexpected(group.error());
  if (spec_.alone) return post_alone(step, post, *group);
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
            .tag = -1};
  if (post.slot >= 0) {
    auto added = post.op == Collective::kScatter ? add_scatter(step, post, *group, call)
                                                 : add_tensor(step, post, *group, call);
    if (!added) return added;
  } else {
    call.tag = static_cast<int64_t>(posted_.size());
    posted_.emplace_back();
  }
  if (spec_.memory) posted_.back().meet = meet_of(step, post, *group);
  call.async = post.async;
  arrive(post, *group, std::move(call));
  Runner& poster = runner(rank);
  ++(post.async ? poster.open[step.step.index] : poster.waiting);
  return {};
}

Result<void> Engine::await(const StepContext& step, const std::string& id) {
  if (spec_.alone) return {};  // all have come at once
  const auto label = std::ranges::find(seen_.steps, id, &StepLabel::id);
  if (label == seen_.steps.end()) return fail(fmt::format("there is no step {} to wait for", id));
  Runner& waiter = runner(step.rank.index());
  const auto index = static_cast<int32_t>(label - seen_.steps.begin());
  if (waiter.open[index] == 0) return {};
  waiter.awaited = index;
  ++waiter.waiting;
  return {};
}

Result<void> Engine::add_tensor(const StepContext& step, const Post& post, int group, Call& call) {
  const bool has_source = post.op == Collective::kBroadcast || post.op == Collective::kSend;
  const bool gives = !has_source || post.source == call.rank;
  const int used = gives ? post.slot : post.into.value_or(post.slot);
  const Slot& slot = step.rank.slot(used);
  if (auto can = must_hold(slot, post.op); !can) return can;
  if (gives) step.rank.note_read(used);
  Result<at::Tensor> moved = as_moved(slot, post.op, post.strided);
  if (!moved) return tl::make_unexpected(moved.error());
  call.tensor = step.rank.slot(post.slot).spec->name;
  call.dtype = dtype_of(slot.value);
  call.shape = shape_of(slot.value);
  call.bytes = bytes_of(slot.value);
  (gives && post.op != Collective::kAllReduce ? call.in : call.out).push_back(*moved);
  const bool receives_all = post.op == Collective::kAllGather ||
                            (post.op == Collective::kGather && post.source == call.rank);
  call.tag = static_cast<int64_t>(posted_.size());
  posted_.push_back({.slot = used,
                     .moved = *moved,
                     .strided = slot.value.is_contiguous() ? Strided::kRefuse : post.strided});
  if (post.op == Collective::kAllReduce) add_reduction(post, call);
  if (receives_all && post.level + 1 < slot.shard->levels.size())
    return add_inner_gather(post, group, slot, call);
  if (receives_all) call.out = gather_targets(group, slot);
  return {};
}

// Who does not receive gives a copy; what is no finite number is noted before it is overwritten.
void Engine::add_reduction(const Post& post, Call& call) {
  Posted& known = posted_.back();
  const at::Tensor given = known.moved.reshape({-1});
  if (given.is_floating_point())
    known.broken = on_host(given.to(at::kDouble).isfinite().logical_not()).contiguous();
  if (post.source < 0 || post.source == call.rank) return;
  known.moved = known.moved.clone();
  call.out[0] = known.moved;
}

Result<void> Engine::must_hold(const Slot& slot, Collective op) {
  if (!slot.value.is_meta()) return {};
  return fail(fmt::format("{} of {}, which is on meta and has no data", name(op),
                          slot.spec->name));
}

Result<std::vector<Place>> Engine::places_of(const Shard& shard, int rank) const {
  std::vector<Place> places;
  for (const Shard::Level& level : shard.levels) {
    const Result<Place> place = groups_.place_in(level.group, rank);
    if (!place) return tl::make_unexpected(place.error());
    places.push_back(*place);
  }
  return places;
}

// Pieces side by side, as if theirs had been the last cut.
Result<void> Engine::add_inner_gather(const Post& post, int group, const Slot& slot, Call& call) {
  const Shard& shard = *slot.shard;
  Result<std::vector<Place>> found = places_of(shard, call.rank);
  if (!found) return tl::make_unexpected(found.error());
  std::vector<Place>& places = *found;
  const std::vector<int64_t>& whole = shard.levels[0].shape;
  const auto rest = cut_anew(shard, whole, places, post.level);
  if (!rest) return tl::make_unexpected(rest.error());
  const int64_t dim = shard.levels[post.level].cut.dim;
  int64_t joined = 0;
  for (int64_t member = 0; member < static_cast<int64_t>(groups_.ranks_of(group).size());
       ++member) {
    places[post.level].position = member;
    const auto theirs = cut_anew(shard, whole, places, shard.levels.size());
    if (!theirs) return tl::make_unexpected(theirs.error());
    const std::vector<int64_t>& shape = (*theirs)->layout.shape;
    joined += shape[static_cast<size_t>(dim)];
    call.out.push_back(empty_tensor(shape, dtype_of(slot.value), slot.value.device()));
  }
  const std::vector<int64_t> wanted = *rest ? (*rest)->layout.shape : whole;
  if (joined != wanted[static_cast<size_t>(dim)])
    return fail(fmt::format("{} was cut over {} before its last cut: {} rows do not join to {}",
                            slot.spec->name, post.group, joined,
                            wanted[static_cast<size_t>(dim)]));
  posted_.back().shard = *rest;
  posted_.back().dim = dim;
  return {};
}

// The source cuts what it holds, for each member a piece; all are given memory for theirs.
Result<void> Engine::add_scatter(const StepContext& step, const Post& post, int group, Call& call) {
  const Slot& slot = step.rank.slot(post.slot);
  const bool gives = post.source == call.rank;
  if (gives && slot.value.is_meta())
    return fail(fmt::format("scatter of {}, which is on meta and has no data", slot.spec->name));
  if (gives) step.rank.note_read(post.slot);
  if (slot.shard && gives)
    return fail(fmt::format("{} is a piece already and cannot be scattered", slot.spec->name));
  const std::vector<int64_t> shape = gives ? shape_of(slot.value) : slot.spec->shape;
  const auto members = static_cast<int64_t>(groups_.ranks_of(group).size());
  for (int64_t member = 0; member < members; ++member) {
    const bool own = groups_.ranks_of(group)[static_cast<size_t>(member)] == call.rank;
    Result<Shard> shard = cut_again(std::nullopt, shape, *post.cut, post.group, {members, member});
    if (!shard) return fail(fmt::format("{}: {}", slot.spec->name, shard.error().message));
    if (gives) call.in.push_back(piece_of(slot.value.contiguous(), shard->layout));
    if (!own) continue;
    const DType dtype = gives ? dtype_of(slot.value) : slot.spec->dtype;
    call.out.push_back(
        empty_tensor(shard->layout.shape, dtype, step.rank.place(step.rank.device(post.slot))));
    call.tensor = slot.spec->name;
    call.dtype = dtype;
    call.shape = shard->layout.shape;
    call.bytes = bytes_of(call.out[0]);
    call.tag = static_cast<int64_t>(posted_.size());
    posted_.push_back({.slot = post.slot, .moved = call.out[0], .shard = std::move(*shard)});
  }
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
    if (member == 0 && follows) joined = empty_tensor(level.shape, dtype, slot.value.device());
    if (joined.defined() && follows)
      targets.push_back(joined.view(-1).narrow(0, end, count).view(layout.shape));
    else
      targets.push_back(empty_tensor(layout.shape, dtype, slot.value.device()));
    end += count;
  }
  return targets;
}

}  // namespace loadproof::sim
