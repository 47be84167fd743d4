// shard: keeps this rank's piece of each tensor. No communication.
#include <fmt/format.h>

#include "sim/chunks.h"
#include "sim/engine.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"dim", kInt, false, "0", "", "the dimension that is cut"},
    {"over", kGroup, false, "world", "", "the group whose members share the pieces: world or node"},
    {"rule", kChoice, false, "chunk", "chunk even",
     "chunk: as torch.chunk, last pieces short or empty; even: an error unless it divides"},
};

Result<void> shard_one(StepContext& context, int slot, const Place& place) {
  const at::Tensor value = context.rank.slot(slot).value;
  const std::string& tensor = context.rank.slot(slot).spec->name;
  const int64_t dim = arg<int64_t>(context.step, "dim");
  if (context.rank.slot(slot).shard) return fail(fmt::format("{} is sharded already", tensor));
  if (dim < 0 || dim >= value.dim())
    return fail(fmt::format("{} has {} dimensions and no dimension {}", tensor, value.dim(), dim));
  const int64_t extent = value.size(dim);
  if (arg<std::string>(context.step, "rule") == "even" && extent % place.members != 0)
    return fail(fmt::format("dimension {} of {} is {} and does not divide by {}", dim, tensor,
                            extent, place.members));
  const Chunk chunk = chunk_of(extent, place.members, place.position);
  const Box box = rows(shape_of(value), dim, chunk.begin, chunk.size);
  if (value.is_meta()) {
    at::Tensor piece = meta_tensor(box.size, dtype_of(value));
    const OriginId meta = context.rank.states(slot).intervals().empty()
                              ? kNoOrigin : context.rank.states(slot).intervals()[0].cell.origin;
    const int64_t bytes = bytes_of(piece);
    context.rank.give_shared(slot, std::move(piece), StateMap(bytes, {meta, 0}),
                             Shard{dim, chunk.begin, shape_of(value)});
    return {};
  }
  const int64_t item = static_cast<int64_t>(value.element_size());
  StateMap states(box.elements() * item, {kNoOrigin, 0});
  states.splice(0, states.bytes(), read_box(context.rank.states(slot), shape_of(value), box, item));
  at::Tensor piece = empty_tensor(box.size, dtype_of(value));
  piece.copy_(value.narrow(dim, chunk.begin, chunk.size));
  context.rank.give_shared(slot, std::move(piece), std::move(states),
                           Shard{dim, chunk.begin, shape_of(value)});
  return {};
}

Result<void> run(StepContext& context) {
  const Result<Place> place =
      context.engine.place_in(arg<std::string>(context.step, "over"), context.rank.index());
  if (!place) return tl::make_unexpected(place.error());
  for (int slot : context.selected)
    if (auto done = shard_one(context, slot, *place); !done) return done;
  return {};
}

}  // namespace

const Verb kShard = {{"shard", "Keeps this rank's piece of each tensor. No communication.",
                      "shard: {of: param, dim: 0}", true, true, false, kParams},
                     run};

}  // namespace loadproof::sim
