#include "sim/steps/storage.h"

#include "sim/engine.h"
#include "sim/torch_types.h"

namespace loadproof::sim {

void ensure_storage(StepContext& context, int slot, const char* why) {
  const Slot& held = context.rank.slot(slot);
  if (!held.value.is_meta()) return;
  at::Tensor value = empty_tensor(shape_of(held.value), dtype_of(held.value),
                                  context.rank.place(context.rank.device(slot)));
  const OriginId origin = context.engine.origins().add(
      {.kind = StateKind::kUndefined,
       .rank = context.rank.index(),
       .step = context.step.index,
       .item_size = static_cast<int32_t>(value.element_size()),
       .what = why});
  const int64_t bytes = bytes_of(value);
  context.rank.give(slot, std::move(value), StateMap(bytes, {origin, 0}), held.shard,
                    {.fresh = true});
}

}  // namespace loadproof::sim
