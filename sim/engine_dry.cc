// Engine, fifth part: collectives of a rank that runs alone, on shapes.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/torch_types.h"

namespace loadproof::sim {

Result<void> Engine::post_alone(const StepContext& step, const Post& post, int group) {
  Runner& poster = runner(step.rank.index());
  if (groups_.ranks_of(group).size() > 1 && poster.costs)
    poster.costs->meet(meet_of(step, post, group), poster.memory->now());
  if (post.slot < 0) return {};
  if (poster.memory) poster.memory->begin(step.step.index);
  const bool joins = post.op == Collective::kGather || post.op == Collective::kAllGather;
  auto done = joins ? gather_alone(step, post) : give_alone(step, post);
  note_peak(poster, step.step.index);
  if (poster.memory) poster.memory->begin(step.step.index);
  return done;
}

// What comes from ranks that are not run has no origin before it.
//
// All but gathers: what the rank receives takes the place of what it had, or new storage.
Result<void> Engine::give_alone(const StepContext& step, const Post& post) {
  Rank& rank = step.rank;
  const bool gives = post.source == rank.index();
  const int used = gives ? post.slot : post.into.value_or(post.slot);
  const Slot& slot = rank.slot(used);
  const bool scatters = post.op == Collective::kScatter;
  if (gives || !scatters)
    if (auto can = must_hold(slot, post.op); !can) return can;
  if (gives) rank.note_read(used);
  const DType dtype = slot.value.is_meta() ? slot.spec->dtype : dtype_of(slot.value);
  const OriginId origin = origins_.add({.kind = gives ? StateKind::kDerived : StateKind::kReceived,
                                        .rank = gives ? rank.index() : std::max(0, post.source),
                                        .step = step.step.index,
                                        .item_size = static_cast<int32_t>(item_size(dtype)),
                                        .what = slot.spec->name});
  if (!scatters) {
    const bool reduces = post.op == Collective::kAllReduce && (post.source < 0 || gives);
    if (reduces || (post.op != Collective::kAllReduce && !gives)) rank.wrote_all(used, {origin, 0});
    return {};
  }
  const std::vector<int64_t> shape = gives ? shape_of(slot.value) : slot.spec->shape;
  const Result<Place> place = groups_.place_in(post.group, rank.index());
  if (!place) return tl::make_unexpected(place.error());
  Result<Shard> shard = cut_again(std::nullopt, shape, *post.cut, post.group, *place);
  if (!shard) return fail(fmt::format("{}: {}", slot.spec->name, shard.error().message));
  at::Tensor piece = empty_tensor(shard->layout.shape, dtype);
  StateMap states(bytes_of(piece), {origin, 0});
  rank.give_shared(used, std::move(piece), std::move(states), *shard);
  return {};
}

Result<void> Engine::gather_alone(const StepContext& step, const Post& post) {
  Rank& rank = step.rank;
  rank.note_read(post.slot);
  if (post.op == Collective::kGather && post.source != rank.index()) return {};
  const Slot& slot = rank.slot(post.slot);
  if (auto can = must_hold(slot, post.op); !can) return can;
  const Shard shard = *slot.shard;
  std::optional<Shard> rest = without_last_cut(shard);
  if (post.level + 1 < shard.levels.size()) {
    const Result<std::vector<Place>> places = places_of(shard, rank.index());
    if (!places) return tl::make_unexpected(places.error());
    auto anew = cut_anew(shard, shard.levels[0].shape, *places, post.level);
    if (!anew) return tl::make_unexpected(anew.error());
    rest = std::move(*anew);
  }
  const std::vector<int64_t> shape = rest ? rest->layout.shape : shard.levels[0].shape;
  at::Tensor joined = empty_tensor(shape, dtype_of(slot.value));
  const OriginId origin = origins_.add({.kind = StateKind::kReceived,
                                        .rank = rank.index(),
                                        .step = step.step.index,
                                        .item_size = static_cast<int32_t>(joined.element_size()),
                                        .what = slot.spec->name});
  StateMap states(bytes_of(joined), {origin, 0});
  rank.give_shared(post.slot, std::move(joined), std::move(states), rest);
  return {};
}

}  // namespace loadproof::sim
