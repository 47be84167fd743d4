// shard: keeps this rank's piece of each tensor. No communication.
#include <fmt/format.h>

#include "sim/cut_args.h"
#include "sim/engine.h"
#include "sim/steps/piece.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"dim", kInt, false, "0", "", "the dimension that is cut"},
    {"over", kGroup, false, "world", "",
     "the group whose members share the pieces: world, node, a mesh dimension, a role or a group"},
    {"rule", kChoice, false, "chunk", kCutRules, kCutRulesAbout},
    {"multiple", kInt, false, "1", "", "of padded: pieces are padded to a multiple of it", 1},
    {"sections", kInts, false, "", "",
     "of packed: extents of the sections; two halves if left out"},
    {"order", kInts, false, "", "", "rows are dealt out in this order, as an expert map does"},
};

Result<void> shard_one(StepContext& context, int slot, const Cut& cut, const Place& place) {
  const Slot& held = context.rank.slot(slot);
  const at::Tensor value = held.value.contiguous();
  Result<Shard> shard = cut_again(held.shard, shape_of(value), cut,
                                  arg<std::string>(context.step, "over"), place);
  if (!shard) return fail(fmt::format("{}: {}", held.spec->name, shard.error().message));
  const Layout layout = *layout_of(cut, shape_of(value), place);
  const auto item = static_cast<int64_t>(value.element_size());
  const OriginId padding = context.engine.origins().add({.kind = StateKind::kComputed,
                                                         .rank = context.rank.index(),
                                                         .step = context.step.index,
                                                         .item_size = static_cast<int32_t>(item),
                                                         .what = "padding"});
  StateMap states(element_count(layout.shape) * item, {padding, 0});
  states.splice(0, states.bytes(), pick(context.rank.states(slot), layout, item, {padding, 0}));
  at::Tensor piece = value.is_meta() ? meta_tensor(layout.shape, dtype_of(value))
                                     : piece_of(value, layout);
  context.rank.give_shared(slot, std::move(piece), std::move(states), std::move(*shard));
  return {};
}

Result<void> run(StepContext& context) {
  const Result<Place> place =
      context.engine.place_in(arg<std::string>(context.step, "over"), context.rank.index());
  if (!place) return tl::make_unexpected(place.error());
  const Cut cut = cut_of(context.step);
  for (int slot : context.selected)
    if (auto done = shard_one(context, slot, cut, *place); !done) return done;
  return {};
}

}  // namespace

const Verb kShard = {{"shard", "Keeps this rank's piece of each tensor. No communication.",
                      "shard: {of: param, dim: 0}", true, true, false, kParams},
                     run};

}  // namespace loadproof::sim
