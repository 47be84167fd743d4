// free: content becomes undefined again.
#include <ATen/ops/empty_like.h>

#include "sim/engine.h"
#include "sim/steps/rows.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"rows", kInts, false, "", "",
     "only these rows of the first dimension become undefined; the storage stays"},
    {"place", kChoice, false, "new", "new same",
     "same: the storage stays where it is, for all who share it or have captured its address"},
};

Result<void> run(StepContext& context) {
  for (int slot : context.selected) {
    const at::Tensor value = context.rank.slot(slot).value;
    if (value.is_meta()) continue;
    const OriginId origin = context.engine.origins().add(
        {.kind = StateKind::kUndefined,
         .rank = context.rank.index(),
         .step = context.step.index,
         .item_size = static_cast<int32_t>(value.element_size()),
         .what = "free"});
    // Fresh storage holds the fill; its rows are what undefined memory contains.
    const at::Tensor fresh = at::empty_like(value);
    const bool some_rows = optional_arg<std::vector<int64_t>>(context.step, "rows") != nullptr;
    if (!some_rows && arg<std::string>(context.step, "place") == "same") {
      copy_bytes(value, fresh);
      context.rank.wrote_all(slot, {origin, 0});
      continue;
    }
    if (!some_rows) {
      context.rank.give_shared(slot, fresh, StateMap(bytes_of(fresh), {origin, 0}),
                               context.rank.slot(slot).shard, {.fresh = true});
      continue;
    }
    auto done = for_each_row(context, slot, [&](int64_t row) {
      copy_bytes(value.select(0, row), fresh.select(0, row));
      context.rank.wrote_rows(slot, row, 1, {origin, 0});
    });
    if (!done) return done;
  }
  return {};
}

}  // namespace

const Verb kFree = {
    {"free",
     "Makes content undefined again; without `rows`, by giving the storage back and taking new.",
     "free: {of: model.embed_tokens.weight, rows: [0]}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
