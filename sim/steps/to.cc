// to: moves tensors to another device, as Module.to does: names that share storage still do.
#include "sim/engine.h"
#include "sim/steps/device_arg.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"device", kChoice, true, "", kDeviceNames,
     "whose memory: the host's, or that of the rank's accelerator"},
};

Result<void> run(StepContext& context) {
  const Device device = *device_of(context.step);
  for (int slot : context.selected) {
    const Slot& held = context.rank.slot(slot);
    // What is on meta has no memory, and what is there already stays: torch copies neither.
    if (held.value.is_meta() || context.rank.device(slot) == device) continue;
    context.rank.note_read(slot);
    context.engine.note_work(context, {.moved = bytes_of(held.value)});
    const bool stays = held.value.device() == context.rank.place(device);
    context.rank.give_shared(slot, (stays ? copied(held.value) : held.value).contiguous(),
                             context.rank.states(slot), held.shard, {.device = device});
  }
  return {};
}

}  // namespace

const Verb kTo = {{"to",
                   "Moves each tensor to another device. Names that share its storage go with it; "
                   "a tensor that is there already, or on meta, stays.",
                   "to: {of: param, device: cuda}", true, true, false, kParams},
                  run};

}  // namespace loadproof::sim
