// read: from a store into tensors, under its own rules for names, pieces and fused weights.
#include <fmt/ranges.h>

#include "sim/engine.h"
#include "sim/steps/fetch.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"store", kStore, false, "file", "", "the store that is read"},
    {"trust", kChoice, false, "strict", "strict index files mapped",
     "strict: every header and the index are held against the files; index: it says where a tensor "
     "is, the rest is passed over; files: all that are there, by name, the last one wins; mapped: "
     "nobody looks at the files' sizes"},
    {"key", kTexts, false, "", "",
     "the tensor's key in the store, with {name}, {index}, {rank}, {local}, {node}; of several the "
     "first that is there; KEY[i] is row i of it"},
    {"join", kTexts, false, "", "",
     "keys such as w.{0..7}.{0..1}, in whose order pieces are joined on the first dimension"},
    {"slice", kChoice, false, "own", "own whole",
     "own: the piece that the tensor declares for this rank; whole: all of it"},
    {"as", kInt, false, "", "", "cut as if this rank had this position in the group"},
    {"stride", kInt, false, "0", "",
     "pieces begin at position * stride rows; 0: at their own place"},
    {"place", kChoice, false, "new", "new same",
     "new: into new storage; same: into the storage that is there, so that other names see it"},
    {"mark", kText, false, "", "", "a flag that each tensor read is marked with"},
    {"missing", kChoice, false, "skip", "skip error",
     "what to do for a selected tensor that the store lacks"},
};

bool in_place(const StepContext& context, const Slot& held) {
  return arg<std::string>(context.step, "place") == "same" && !held.value.is_meta();
}

// The piece of what was fetched that this rank keeps; nothing: all of it.
Result<std::optional<Shard>> share_of(const StepContext& context, int slot,
                                      const Fetched& fetched) {
  const Slot& held = context.rank.slot(slot);
  if (arg<std::string>(context.step, "slice") == "whole") return std::optional<Shard>();
  const std::optional<Shard>& own = own_piece(held);
  if (fetched.is_piece || !own) return own;
  const int64_t* position = optional_arg<int64_t>(context.step, "as");
  const int64_t stride = arg<int64_t>(context.step, "stride");
  if (!position && stride == 0) return own;
  const Shard::Level& level = own->levels.front();
  Result<Place> place = context.engine.place_in(level.group, context.rank.index());
  if (!place) return tl::make_unexpected(place.error());
  if (position && *position >= place->members)
    return fail(fmt::format("position {} of a group of {}", *position, place->members));
  if (position) place->position = *position;
  Cut cut = level.cut;
  cut.stride = stride;
  auto cut_so = cut_again(std::nullopt, level.shape, cut, level.group, *place);
  if (!cut_so) return tl::make_unexpected(cut_so.error());
  return std::optional<Shard>(std::move(*cut_so));
}

DType dtype_read(const StepContext& context, const Slot& held) {
  return in_place(context, held) ? dtype_of(held.value) : held.spec->dtype;
}

Result<void> put(const StepContext& context, int slot, const Fetched& fetched) {
  const Slot& held = context.rank.slot(slot);
  const Result<std::optional<Shard>> taken = share_of(context, slot, fetched);
  if (!taken) return tl::make_unexpected(taken.error());
  std::optional<Shard> own;
  if (arg<std::string>(context.step, "slice") == "own") own = own_piece(held);
  Kept kept = keep(context, slot, fetched, *taken, own, dtype_read(context, held));
  if (!in_place(context, held)) {
    context.rank.give(slot, std::move(kept.value), std::move(kept.states), own);
    return {};
  }
  at::Tensor value = held.value;
  if (value.sizes() != kept.value.sizes())
    return fail(fmt::format("{} cannot be read in place: it has shape [{}] and not [{}]",
                            held.spec->name, fmt::join(value.sizes(), ", "),
                            fmt::join(kept.value.sizes(), ", ")));
  value.copy_(kept.value);
  context.rank.wrote(slot, whole(shape_of(value)), kept.states.intervals());
  return {};
}

Result<void> run(StepContext& context) {
  const std::string* flag = optional_arg<std::string>(context.step, "mark");
  int64_t index = 0, read = 0;
  for (int slot : context.selected) {
    const Result<std::optional<Fetched>> fetched =
        fetch(context, slot, index++, dtype_read(context, context.rank.slot(slot)));
    if (!fetched) return tl::make_unexpected(fetched.error());
    if (!*fetched) {
      if (arg<std::string>(context.step, "missing") == "skip") continue;
      return fail(fmt::format("store {} has no tensor for {}",
                              arg<std::string>(context.step, "store"),
                              context.rank.slot(slot).spec->name));
    }
    if (auto done = put(context, slot, **fetched); !done) return done;
    ++read;
    if (flag) context.rank.set_flag(slot, *flag, true);
  }
  if (read == 0 && !context.selected.empty()) {
    std::vector<std::string> names;
    for (int slot : context.selected) names.push_back(context.rank.slot(slot).spec->name);
    context.engine.note_nothing(
        context, "nothing_read",
        fmt::format("the store {} has none of {}", arg<std::string>(context.step, "store"),
                    fmt::join(names, ", ")),
        names);
  }
  return {};
}

}  // namespace

const Verb kRead = {
    {"read", "Reads tensors from a store, under its own rules for names and fused weights.",
     "read: {of: file, ranks: 0, mark: initialised}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
