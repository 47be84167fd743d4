// bind: one name shares the storage of another from now on.
#include <fmt/ranges.h>

#include "sim/engine.h"
#include "sim/steps/slices.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"to", kTensors, false, "", "",
     "the tensor whose storage is shared; left out: the declared tie"},
    {"slice", kSlice, false, "", "",
     "only this part of it, so that the tensor is a view; left out: as the tie declares"},
};

Result<int> target_of(StepContext& context, int slot) {
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  const Selector* to = optional_arg<Selector>(context.step, "to");
  if (!to) {
    const std::optional<int> tied = context.engine.asset().slot_named(spec.tied_to);
    if (!tied) return fail(fmt::format("{} is tied to nothing; say `to:`", spec.name));
    return *tied;
  }
  const std::vector<int> targets = context.engine.resolve_on(context.rank, *to);
  if (targets.size() != 1)
    return fail(fmt::format("{}: `to: {}` means {} tensors here and must mean one", spec.name,
                            to->text(), targets.size()));
  return targets[0];
}

Result<void> run(StepContext& context) {
  for (int slot : context.selected) {
    const Result<int> target = target_of(context, slot);
    if (!target) return tl::make_unexpected(target.error());
    const at::Tensor whole = context.rank.slot(*target).value;
    const Slot& held = context.rank.slot(slot);
    auto part = part_argument(context, "slice", whole, context.rank.slot(*target).spec->name);
    if (part && !*part && !optional_arg<Selector>(context.step, "to") && held.spec->tied_slice)
      part = part_of(*held.spec->tied_slice, whole, context.rank.slot(*target).spec->name);
    if (!part) return tl::make_unexpected(part.error());
    if (*part && shape_of((*part)->view) != shape_of(held.value))
      return fail(fmt::format("{} has shape [{}] and the part of {} has [{}]", held.spec->name,
                              fmt::join(held.value.sizes(), ", "),
                              context.rank.slot(*target).spec->name,
                              fmt::join((*part)->view.sizes(), ", ")));
    if (!*part && whole.numel() != held.value.numel() &&
        whole.numel() != element_count(held.spec->shape))
      return fail(fmt::format("{} has shape [{}] and cannot share the storage of {} with [{}]",
                              held.spec->name, fmt::join(held.value.sizes(), ", "),
                              context.rank.slot(*target).spec->name,
                              fmt::join(whole.sizes(), ", ")));
    if (*part)
      context.rank.bind_part(slot, *target, (*part)->view, (*part)->layout);
    else
      context.rank.bind(slot, *target);
  }
  return {};
}

}  // namespace

const Verb kBind = {{"bind", "Makes a name share another's storage, as tied weights do.",
                     "bind: {of: tied}", true, true, false, kParams},
                    run};

}  // namespace loadproof::sim
