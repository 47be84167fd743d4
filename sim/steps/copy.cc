// copy: from one tensor of this rank to another, or a cast of a tensor to another element type.
#include <fmt/ranges.h>

#include "sim/engine.h"
#include "sim/steps/pairs.h"
#include "sim/steps/slices.h"
#include "sim/steps/storage.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"from", kTensors, false, "", "",
     "one tensor to copy from, or a pattern whose `*` pairs it with that of `of`; left out: the "
     "tensor itself (with dtype, a cast)"},
    {"dtype", kDType, false, "", "", "gives the tensor new storage of this element type"},
    {"slice", kSlice, false, "", "", "of the tensor copied to, only this part is written"},
    {"from_slice", kSlice, false, "", "", "of the tensor copied from, only this part is read"},
};

// States as a cast of those bytes has them: what must not reach sampling taints it.
StateMap cast_states(StepContext& context, const StateMap& old, int64_t old_item,
                     int64_t new_item) {
  OriginTable& origins = context.engine.origins();
  StateMap states(old.bytes() / old_item * new_item, {kNoOrigin, 0});
  for (const Interval& interval : old.intervals()) {
    const bool bad = must_not_reach_sampling(origins.root_kind(interval.cell.origin));
    const OriginId origin = origins.add({.kind = bad ? StateKind::kTainted : StateKind::kDerived,
                                         .rank = context.rank.index(),
                                         .step = context.step.index,
                                         .parent = interval.cell.origin,
                                         .item_size = static_cast<int32_t>(new_item),
                                         .what = "cast"});
    states.write(interval.begin / old_item * new_item, interval.end / old_item * new_item,
                 {origin, interval.cell.offset / old_item * new_item});
  }
  return states;
}

Result<void> copy_one(StepContext& context, int slot, int source) {
  const at::Tensor from = context.rank.slot(source).value;
  const std::string* dtype_name = optional_arg<std::string>(context.step, "dtype");
  const at::Tensor to = context.rank.slot(slot).value;
  const DType dtype = dtype_name       ? *dtype_named(*dtype_name)
                      : source == slot ? dtype_of(from)
                                       : dtype_of(to);
  if (from.is_meta()) {
    if (source != slot) return fail(fmt::format("Cannot copy out of meta tensor; no data! ({})",
                                                context.rank.slot(source).spec->name));
    return {};
  }
  if (source != slot && from.sizes() != to.sizes())
    return fail(fmt::format("{} has shape [{}] and {} has [{}]",
                            context.rank.slot(source).spec->name, fmt::join(from.sizes(), ", "),
                            context.rank.slot(slot).spec->name, fmt::join(to.sizes(), ", ")));
  const bool cast = dtype_of(from) != dtype;
  if (!cast && source == slot) return {};
  StateMap states = cast ? cast_states(context, context.rank.states(source),
                                       static_cast<int64_t>(from.element_size()), item_size(dtype))
                         : context.rank.states(source);
  if (source != slot && !to.is_meta() && dtype_of(to) == dtype) {
    copy_bytes(to, from);
    context.rank.wrote(slot, whole(shape_of(to)), states.intervals());
    return {};
  }
  at::Tensor value =
      empty_tensor(shape_of(from), dtype, context.rank.place(context.rank.device(slot)));
  copy_bytes(value, from);
  context.rank.give_shared(slot, std::move(value), std::move(states),
                           context.rank.slot(slot).shard);
  return {};
}

std::vector<Part> all_of(const at::Tensor& value) { return {{0, 0, value.numel()}}; }

// Between parts of tensors, or of one.
Result<void> copy_part(StepContext& context, int slot, int source) {
  const std::string& name = context.rank.slot(slot).spec->name;
  const std::string& from_name = context.rank.slot(source).spec->name;
  const at::Tensor from = context.rank.slot(source).value;
  if (from.is_meta())
    return fail(fmt::format("Cannot copy out of meta tensor; no data! ({})", from_name));
  ensure_storage(context, slot, "copy of a part to meta");
  const at::Tensor to = context.rank.slot(slot).value;
  const auto read = part_argument(context, "from_slice", from, from_name);
  if (!read) return tl::make_unexpected(read.error());
  const auto written = part_argument(context, "slice", to, name);
  if (!written) return tl::make_unexpected(written.error());
  const at::Tensor given = copied(*read ? (*read)->view : from);
  const at::Tensor target = *written ? (*written)->view : to;
  if (given.numel() != target.numel() || given.squeeze().sizes() != target.squeeze().sizes())
    return fail(fmt::format("shape [{}] of {} does not fit into shape [{}] of {}",
                            fmt::join(given.sizes(), ", "), from_name,
                            fmt::join(target.sizes(), ", "), name));
  const auto old_item = static_cast<int64_t>(from.element_size());
  const auto item = static_cast<int64_t>(to.element_size());
  StateMap states = context.rank.states(source);
  if (*read) {
    const std::vector<Interval> part = pick(states, (*read)->layout, old_item, {});
    states = StateMap(given.numel() * old_item, {kNoOrigin, 0});
    states.splice(0, states.bytes(), part);
  }
  if (dtype_of(from) != dtype_of(to)) states = cast_states(context, states, old_item, item);
  copy_bytes(target, given.reshape(target.sizes()));
  context.rank.wrote_parts(slot, *written ? (*written)->layout.parts : all_of(to),
                           states.intervals());
  return {};
}

Result<void> run(StepContext& context) {
  const Selector* from = optional_arg<Selector>(context.step, "from");
  std::vector<int> sources(context.selected.begin(), context.selected.end());
  if (from) {
    auto partners = partners_of(context, *from, "from");
    if (!partners) return tl::make_unexpected(partners.error());
    sources = std::move(*partners);
  }
  for (int source : sources) context.rank.note_read(source);
  const bool parts = optional_arg<std::string>(context.step, "slice") ||
                     optional_arg<std::string>(context.step, "from_slice");
  for (size_t i = 0; i < sources.size(); ++i) {
    if (context.rank.device(sources[i]) != context.rank.device(context.selected[i]))
      context.engine.note_work(context,
                               {.moved = bytes_of(context.rank.slot(sources[i]).value)});
    auto done = parts ? copy_part(context, context.selected[i], sources[i])
                      : copy_one(context, context.selected[i], sources[i]);
    if (!done) return done;
  }
  return {};
}

}  // namespace

const Verb kCopy = {{"copy", "Copies a tensor of this rank to another, or casts it in place.",
                     "copy: {of: all, dtype: bfloat16}", true, true, false, kParams},
                    run};

}  // namespace loadproof::sim
