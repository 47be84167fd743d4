// save: writes tensors, or the pieces that ranks hold of them, into files of a store.
#include <fmt/format.h>

#include "sim/accelerators.h"
#include "sim/engine.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"store", kStore, true, "", "", "the store that is written"},
    {"key", kText, false, "{name}", "",
     "the tensor's key, with {name}, {index}, {rank}, {local}, {node} and {piece}"},
    {"file", kText, false, "model.safetensors", "", "the file's name, with the same variables"},
    {"pieces", kInt, false, "1", "", "parts of the first dimension, each under a key of its own",
     1},
    {"regions", kBool, false, "true", "",
     "whether the store knows which elements of the whole tensor a piece has"},
    {"index", kChoice, false, "update", "update leave none",
     "of the store's index: update, where the file is not model.safetensors: it names all that has "
     "been saved; leave: it says what it said; none: it is gone"},
};

IndexAfterSave index_after(const Step& step) {
  const std::string& index = arg<std::string>(step, "index");
  if (index == "none") return IndexAfterSave::kNone;
  return index == "leave" ? IndexAfterSave::kLeave : IndexAfterSave::kUpdate;
}

Saved saved_of(const StepContext& context, int slot, std::string key, int64_t piece) {
  const Slot& held = context.rank.slot(slot);
  const int64_t pieces = arg<int64_t>(context.step, "pieces");
  const at::Tensor value = on_host(held.value).contiguous();
  const int64_t rows = pieces == 1 ? 1 : value.size(0) / pieces;
  const int64_t count = pieces == 1 ? value.numel() : value.numel() / value.size(0) * rows;
  const auto item = static_cast<int64_t>(value.element_size());
  const int64_t begin = piece * count * item, bytes = count * item;
  Saved saved{.key = std::move(key), .dtype = dtype_of(value), .shape = shape_of(value)};
  if (pieces > 1) saved.shape[0] = rows;
  saved.bytes.assign(data_of(value) + begin, data_of(value) + begin + bytes);
  saved.states = StateMap(bytes, {kNoOrigin, 0});
  saved.states.splice(0, bytes, context.rank.states(slot).cut_out(begin, begin + bytes));
  saved.rank = context.rank.index();
  if (held.shard && pieces == 1 && arg<bool>(context.step, "regions"))
    saved.layout = held.shard->layout;
  return saved;
}

Result<void> save_one(StepContext& context, int slot, int64_t index) {
  const Slot& held = context.rank.slot(slot);
  const std::string& store = arg<std::string>(context.step, "store");
  const int64_t pieces = arg<int64_t>(context.step, "pieces");
  if (held.value.is_meta())
    return fail(fmt::format("cannot save {}, which is on meta", held.spec->name));
  context.engine.note_work(context, {.saved = bytes_of(held.value)});
  if (pieces > 1 && (held.value.dim() == 0 || held.value.size(0) % pieces != 0))
    return fail(fmt::format("{} cannot be saved in {} pieces", held.spec->name, pieces));
  if (context.engine.dry()) return {};
  for (int64_t piece = 0; piece < pieces; ++piece) {
    Variables variables = variables_of(context, held.spec->name, index);
    variables.emplace_back("piece", std::to_string(piece));
    const Result<std::string> key = fill_in(arg<std::string>(context.step, "key"), variables);
    if (!key) return tl::make_unexpected(key.error());
    const Result<std::string> file = fill_in(arg<std::string>(context.step, "file"), variables);
    if (!file) return tl::make_unexpected(file.error());
    const Result<bool> collided =
        context.engine.stores().of(store, context.rank.index())
            .save(*file, saved_of(context, slot, *key, piece), index_after(context.step));
    if (!collided) return tl::make_unexpected(collided.error());
    if (*collided)
      context.engine.note_nothing(
          context, "overwritten",
          fmt::format("key {} of store {} takes the place of what another rank saved under it",
                      *key, store),
          {held.spec->name});
  }
  return {};
}

Result<void> run(StepContext& context) {
  int64_t index = 0;
  for (int slot : context.selected)
    if (auto done = save_one(context, slot, index++); !done) return done;
  return {};
}

}  // namespace

const Verb kSave = {{"save", "Writes tensors into a store; of a key the last writer wins.",
                     "save: {of: param, store: out, file: \"model-{rank}.safetensors\"}", true,
                     true, false, kParams, /*reads=*/true},
                    run};

}  // namespace loadproof::sim
