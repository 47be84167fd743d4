// read: from the checkpoint into tensors, under its own rules for names and fused weights.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"mark", kText, false, "", "", "a flag that each tensor read is marked with"},
    {"missing", kChoice, false, "skip", "skip error",
     "what to do for a selected tensor that the checkpoint lacks"},
};

Result<void> read_one(StepContext& context, int slot) {
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  const Checkpoint& checkpoint = *context.engine.asset().checkpoint();
  at::Tensor value = empty_tensor(spec.shape, spec.dtype);
  const int32_t item = static_cast<int32_t>(item_size(spec.dtype));
  const OriginId undefined = context.engine.origins().add(
      {.kind = StateKind::kUndefined, .rank = context.rank.index(), .step = context.step.index,
       .item_size = item, .what = "target of read"});
  context.rank.give(slot, value, StateMap(bytes_of(value), {undefined, 0}));
  for (const FilePiece& piece : spec.pieces) {
    if (auto copied = copy_piece(checkpoint, spec, piece, value); !copied) return copied;
    const CheckpointTensor* source = checkpoint.find(piece.key);
    const OriginId loaded = context.engine.origins().add(
        {.kind = StateKind::kLoaded, .rank = context.rank.index(), .step = context.step.index,
         .item_size = item, .what = piece.key, .file = source->file});
    const Box box{piece.begin, piece.size};
    context.rank.wrote(slot, box, {{0, box.elements() * item, {loaded, 0}}});
  }
  return {};
}

Result<void> run(StepContext& context) {
  const Asset& asset = context.engine.asset();
  if (!asset.checkpoint())
    return fail("there is no checkpoint to read from: the scenario has no model");
  const std::string* flag = optional_arg<std::string>(context.step, "mark");
  for (int slot : context.selected) {
    const TensorSpec& spec = *context.rank.slot(slot).spec;
    if (!asset.in_file()[static_cast<size_t>(slot)]) {
      if (arg<std::string>(context.step, "missing") == "skip") continue;
      return fail(fmt::format("{} has no tensor for {}", asset.checkpoint()->directory().string(),
                              spec.name));
    }
    if (auto done = read_one(context, slot); !done) return done;
    if (flag) context.rank.set_flag(slot, *flag, true);
  }
  return {};
}

}  // namespace

const Verb kRead = {
    {"read", "Reads tensors from the checkpoint, under its own rules for names and fused weights.",
     "read: {of: file, ranks: 0, mark: initialised}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
