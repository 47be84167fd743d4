// shard: keeps this rank's piece of each tensor. No communication.
#include <fmt/format.h>

#include <map>

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
    {"multiple", kInt, false, "1", "",
     "of padded: pieces are padded to a multiple of it; of chunk: they begin at multiples of it, "
     "as blocks of quantised weights ask",
     1},
    {"sections", kInts, false, "", "",
     "of packed: extents of the sections; two halves if left out"},
    {"order", kInts, false, "", "", "rows are dealt out in this order, as an expert map does"},
};

// The piece of one tensor. `alone`: other names of its storage stay where they are.
Result<void> shard_one(StepContext& context, int slot, const Cut& cut, const Place& place,
                       bool alone) {
  const Slot& held = context.rank.slot(slot);
  const at::Tensor value = dense(held.value);
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
  if (alone)
    context.rank.give(slot, std::move(piece), std::move(states), std::move(*shard));
  else
    context.rank.give_shared(slot, std::move(piece), std::move(states), *shard);
  return {};
}

// All selected tensors as one row; names of one storage are in it once and stay tied.
Result<void> shard_flat(StepContext& context, Cut cut, const Place& place) {
  std::map<int, int> first;  // by storage: the slot
  std::vector<std::pair<int, int64_t>> begins;
  for (int slot : context.selected) {
    const Slot& held = context.rank.slot(slot);
    if (!first.emplace(held.storage, slot).second) continue;
    begins.emplace_back(slot, cut.flat_total);
    cut.flat_total += held.value.numel();
  }
  std::vector<int> storages;
  for (int slot : context.selected) storages.push_back(context.rank.slot(slot).storage);
  for (const auto& [slot, begin] : begins) {
    cut.flat_begin = begin;
    if (auto done = shard_one(context, slot, cut, place, /*alone=*/true); !done) return done;
  }
  for (size_t i = 0; i < storages.size(); ++i)
    if (const int owner = first.at(storages[i]); owner != context.selected[i])
      context.rank.bind(context.selected[i], owner);
  return {};
}

Result<void> run(StepContext& context) {
  const Result<Place> place =
      context.engine.place_in(arg<std::string>(context.step, "over"), context.rank.index());
  if (!place) return tl::make_unexpected(place.error());
  const Cut cut = cut_of(context.step);
  if (cut.rule == CutRule::kFlat) return shard_flat(context, cut, *place);
  for (int slot : context.selected)
    if (auto done = shard_one(context, slot, cut, *place, /*alone=*/false); !done) return done;
  return {};
}

}  // namespace

const Verb kShard = {{"shard", "Keeps this rank's piece of each tensor. No communication.",
                      "shard: {of: param, dim: 0}", true, true, false, kParams, /*reads=*/true},
                     run};

}  // namespace loadproof::sim
