#include "sim/steps/fetch.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <charconv>

#include "sim/box.h"
#include "sim/braces.h"
#include "sim/engine.h"
#include "sim/steps/slices.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

constexpr size_t kKeysMax = 10'000;

// As at::cat on the first dimension.
at::Tensor joined_rows(const std::vector<at::Tensor>& values) {
  const at::Tensor probe = empty_tensor({1}, dtype_of(values[0]));
  if (has_bytes(probe)) return at::cat(values, 0);
  std::vector<at::Tensor> shapes;
  for (const at::Tensor& value : values)
    shapes.push_back(meta_tensor(shape_of(value), dtype_of(value)));
  const at::Tensor joined = at::cat(shapes, 0);
  return empty_tensor(shape_of(joined), dtype_of(joined));
}

class Fetcher {
 public:
  Fetcher(StepContext& context, int slot, int64_t index, DType dtype, Reading reading)
      : context_(context), slot_(context.rank.slot(slot)), spec_(*slot_.spec), index_(index),
        item_(item_size(dtype)), store_(arg<std::string>(context.step, "store")),
        files_(context.engine.stores().of(store_, context.rank.index())),
        reading_(std::move(reading)) {}

  Result<std::optional<Fetched>> run() {
    if (const auto* join = optional_arg<std::vector<std::string>>(context_.step, "join"))
      return joined(*join);
    const auto* keys = optional_arg<std::vector<std::string>>(context_.step, "key");
    if (!keys && store_ == kFileStore && spec_.pieces.size() != 1) return fused();
    const bool own_key = store_ == kFileStore && spec_.pieces.size() == 1;
    const std::vector<std::string> own{own_key ? spec_.pieces[0].key : spec_.name};
    for (const std::string& form : keys ? *keys : own) {
      const Result<std::string> key = keys ? filled(form) : form;
      if (!key) return tl::make_unexpected(key.error());
      auto found = of_key(*key);
      if (!found || *found) return found;
    }
    return std::optional<Fetched>();
  }

 private:
  StepContext& context_;
  const Slot& slot_;
  const TensorSpec& spec_;
  int64_t index_, item_;
  const std::string& store_;
  Store& files_;
  Reading reading_;

  Result<std::string> filled(const std::string& form) const {
    return fill_in(form, variables_of(context_, spec_.name, index_));
  }

  OriginId origin(StateKind kind, std::string what, std::string file, OriginId parent = kNoOrigin) {
    return context_.engine.origins().add({.kind = kind,
                                          .rank = context_.rank.index(),
                                          .step = context_.step.index,
                                          .parent = parent,
                                          .item_size = static_cast<int32_t>(item_),
                                          .what = std::move(what),
                                          .file = std::move(file)});
  }

  OriginId loaded(const std::string& key, const std::string& file, OriginId parent = kNoOrigin) {
    const bool of_file = store_ == kFileStore;
    return origin(StateKind::kLoaded, key, of_file ? file : store_ + "/" + file, parent);
  }

  StateMap never_written(int64_t elements, const char* why) {
    return StateMap(elements * item_, {origin(StateKind::kUndefined, why, ""), 0});
  }

  // The model's own rules: a tensor that several keys make up.
  Result<std::optional<Fetched>> fused() {
    if (spec_.pieces.empty()) return std::optional<Fetched>();
    Fetched fetched{.value = empty_tensor(spec_.shape, spec_.dtype),
                    .states = never_written(element_count(spec_.shape), "target of read")};
    for (const FilePiece& piece : spec_.pieces) {
      const auto held = files_.find(reading_, piece.key);
      if (!held) return tl::make_unexpected(held.error());
      if (held->empty()) return std::optional<Fetched>();
      const Result<Fetched> part = whole(piece.key, held->front());
      if (!part) return tl::make_unexpected(part.error());
      if (shape_of(part->value) != piece.shape)
        return fail(misfit(shape_of(part->value), piece.key, held->front().tensor->file,
                           piece.shape));
      const Box box{piece.begin, piece.size};
      copy_bytes(box_of(fetched.value, box), part->value.view(box.size));
      write_box(fetched.states, spec_.shape, box, item_, part->states.intervals());
      fetched.keys.push_back(piece.key);
    }
    return std::optional(std::move(fetched));
  }

  // KEY, or KEY[row].
  Result<std::optional<Fetched>> of_key(const std::string& text) {
    std::string key = text;
    std::optional<int64_t> row;
    if (const size_t open = text.rfind('['); open != std::string::npos && text.ends_with(']')) {
      int64_t number = 0;
      const char* end = text.data() + text.size() - 1;
      const auto read = std::from_chars(text.data() + open + 1, end, number);
      if (read.ec == std::errc() && read.ptr == end) {
        row = number;
        key = text.substr(0, open);
      }
    }
    const auto held = files_.find(reading_, key);
    if (!held) return tl::make_unexpected(held.error());
    if (held->empty()) return std::optional<Fetched>();
    Result<Fetched> fetched = held->size() == 1 && !held->front().layout
                                  ? whole(key, held->front()) : assembled(key, *held);
    if (fetched && row) fetched = row_of(*fetched, key, *row);
    if (fetched) fetched = part_of_key(std::move(*fetched), key);
    if (fetched) fetched = fitted(std::move(*fetched), key, held->front().tensor->file);
    if (!fetched) return tl::make_unexpected(fetched.error());
    fetched->keys = {key};
    return std::optional(std::move(*fetched));
  }

  // As the file has it. Elements past the file's end, where nobody has looked, are never written.
  Result<Fetched> whole(const std::string& key, const Held& held) {
    const CheckpointTensor& tensor = *held.tensor;
    Fetched fetched;
    const int64_t elements = element_count(tensor.shape);
    const int64_t there =
        static_cast<int64_t>(tensor.bytes.size()) / item_size(tensor.dtype);
    const at::TensorOptions options(scalar_type(tensor.dtype));
    fetched.value = at::from_blob(const_cast<std::byte*>(tensor.bytes.data()),
                                  there == elements ? tensor.shape : std::vector{there}, options);
    fetched.states = states_of(key, held, elements);
    fetched.in_file = {held.file, tensor.file_begin};
    if (there == elements) return fetched;
    fetched.in_file.reset();
    at::Tensor padded = empty_tensor(tensor.shape, tensor.dtype);
    copy_bytes(padded.view(-1).narrow(0, 0, there), fetched.value);
    fetched.value = std::move(padded);
    const StateMap lost = never_written(elements, "past the end of the file");
    fetched.states.splice(there * item_, elements * item_,
                          {{0, (elements - there) * item_, lost.intervals()[0].cell}});
    return fetched;
  }

  // What ranks saved goes on from its own states, at the places that those tell.
  StateMap states_of(const std::string& key, const Held& held, int64_t elements) {
    StateMap states(elements * item_, {kNoOrigin, 0});
    const int64_t saved = item_size(held.tensor->dtype);
    for (const Interval& one : held.states.intervals())
      states.write(one.begin / saved * item_, one.end / saved * item_,
                   {loaded(key, held.tensor->file, one.cell.origin),
                    one.cell.offset / saved * item_});
    return states;
  }

  // Pieces that ranks saved, each at its place; of elements in several, the last one wins.
  Result<Fetched> assembled(const std::string& key, const std::vector<Held>& pieces) {
    Fetched fetched{.value = empty_tensor(spec_.shape, pieces[0].tensor->dtype),
                    .states = never_written(element_count(spec_.shape), "in no saved piece")};
    for (const Held& held : pieces) {
      const Result<Fetched> piece = whole(key, held);
      if (!piece) return piece;
      const std::vector<Part> all{{0, 0, piece->value.numel()}};
      for (const Part& part : held.layout ? held.layout->parts : all) {
        if (part.whole + part.count > fetched.value.numel())
          return fail(fmt::format("{} in {} reaches beyond the {} elements of {}", key,
                                  held.tensor->file, fetched.value.numel(), spec_.name));
        copy_part(*piece, part.piece, fetched, part.whole, part.count);
      }
    }
    return fetched;
  }

  void copy_part(const Fetched& from, int64_t source, Fetched& to, int64_t target, int64_t count) {
    copy_bytes(to.value.view(-1).narrow(0, target, count),
               from.value.reshape(-1).narrow(0, source, count));
    to.states.splice(target * item_, (target + count) * item_,
                     from.states.cut_out(source * item_, (source + count) * item_));
  }

  Result<Fetched> row_of(const Fetched& fetched, const std::string& key, int64_t row) {
    if (fetched.value.dim() == 0 || row < 0 || row >= fetched.value.size(0))
      return fail(fmt::format("{} of store {} has no row {}", key, store_, row));
    Fetched one{.value = fetched.value.select(0, row)};
    const int64_t count = one.value.numel();
    one.states = StateMap(count * item_, {kNoOrigin, 0});
    one.states.splice(0, one.states.bytes(),
                      fetched.states.cut_out(row * count * item_, (row + 1) * count * item_));
    return one;
  }

  // Of the argument `from_slice`; without it, all.
  Result<Fetched> part_of_key(Fetched fetched, const std::string& key) {
    const auto part = part_argument(context_, "from_slice", fetched.value, key);
    if (!part) return tl::make_unexpected(part.error());
    if (!*part) return fetched;
    at::Tensor value = empty_tensor(shape_of((*part)->view), dtype_of(fetched.value));
    copy_bytes(value, (*part)->view);
    Fetched taken{.value = std::move(value)};
    const std::vector<Interval> states = pick(fetched.states, (*part)->layout, item_, {});
    taken.states = StateMap(taken.value.numel() * item_, {kNoOrigin, 0});
    taken.states.splice(0, taken.states.bytes(), states);
    return taken;
  }

  std::string misfit(const std::vector<int64_t>& shape, const std::string& key,
                     const std::string& file, const std::vector<int64_t>& needed) const {
    return fmt::format("store {}: {}: tensor '{}' has shape [{}], but {} needs [{}]", store_, file,
                       key, fmt::join(shape, ", "), spec_.name, fmt::join(needed, ", "));
  }

  // What is read must have the tensor's shape, or that of the rank's own piece.
  Result<Fetched> fitted(Fetched fetched, const std::string& key, const std::string& file) {
    const std::vector<int64_t> shape = shape_of(fetched.value);
    if (shape == spec_.shape) return fetched;
    const std::optional<Shard>& own = own_piece(slot_);
    fetched.is_piece = own && element_count(shape) == element_count(own->layout.shape);
    const bool as_box = spec_.pieces.size() == 1 && shape == spec_.pieces[0].shape;
    if (fetched.is_piece || as_box) return fetched;
    const std::string& mismatch = arg<std::string>(context_.step, "mismatch");
    fetched.passed_over = mismatch == "skip";
    if (fetched.passed_over) return fetched;
    if (mismatch == "common" && shape.size() == spec_.shape.size()) return common(fetched, shape);
    return fail(misfit(shape, key, file, spec_.shape));
  }

  // The box that both have, from the first element of each dimension on.
  Fetched common(const Fetched& fetched, const std::vector<int64_t>& shape) {
    const OriginId alone = origin(StateKind::kUndefined, "beyond what the store has", "");
    Fetched part{.value = empty_tensor(spec_.shape, dtype_of(fetched.value)),
                 .states = StateMap(element_count(spec_.shape) * item_, {alone, 0}),
                 .left_alone = alone};
    Box box = loadproof::whole(spec_.shape);
    for (size_t d = 0; d < shape.size(); ++d) box.size[d] = std::min(shape[d], spec_.shape[d]);
    copy_bytes(box_of(part.value, box), box_of(fetched.value, box));
    write_box(part.states, spec_.shape, box, item_, read_box(fetched.states, shape, box, item_));
    return part;
  }

  Result<std::optional<Fetched>> joined(const std::vector<std::string>& forms) {
    std::vector<at::Tensor> values;
    std::vector<StateMap> states;
    std::vector<std::string> taken;
    for (const std::string& form : forms) {
      const Result<std::string> filled_form = filled(form);
      if (!filled_form) return tl::make_unexpected(filled_form.error());
      const std::vector<std::string> keys = expand_braces(*filled_form, kKeysMax);
      if (keys.empty()) return fail(fmt::format("'{}' stands for no keys", form));
      for (const std::string& key : keys) {
        const auto held = files_.find(reading_, key);
        if (!held) return tl::make_unexpected(held.error());
        if (held->empty())
          return fail(fmt::format("store {} has no key {} to join into {}", store_, key,
                                  spec_.name));
        const Result<Fetched> piece = whole(key, held->front());
        if (!piece) return tl::make_unexpected(piece.error());
        values.push_back(piece->value);
        states.push_back(piece->states);
        taken.push_back(key);
      }
    }
    Fetched fetched{.value = joined_rows(values)};
    fetched.states = StateMap(fetched.value.numel() * item_, {kNoOrigin, 0});
    int64_t at = 0;
    for (const StateMap& one : states) {
      fetched.states.splice(at, at + one.bytes(), one.intervals());
      at += one.bytes();
    }
    Result<Fetched> fits = fitted(std::move(fetched), forms[0], "its files");
    if (!fits) return tl::make_unexpected(fits.error());
    fits->keys = std::move(taken);
    return std::optional(std::move(*fits));
  }
};

}  // namespace

Result<Reading> reading_of(const StepContext& context) {
  Reading reading{.may_be_empty = arg<std::string>(context.step, "missing") != "error"};
  const std::string& trust = arg<std::string>(context.step, "trust");
  if (trust == "index") reading.trust = Trust::kIndex;
  if (trust == "files") reading.trust = Trust::kFiles;
  if (trust == "mapped") reading.trust = Trust::kMapped;
  if (const auto* trailing = optional_arg<std::string>(context.step, "trailing"))
    reading.trailing = *trailing == "ignore";
  const std::string& twice = arg<std::string>(context.step, "twice");
  if (twice == "first") reading.twice = Twice::kFirst;
  if (twice == "last") reading.twice = Twice::kLast;
  if (const auto* file = optional_arg<std::string>(context.step, "file")) {
    Result<std::string> filled = fill_in(*file, variables_of(context, "", 0));
    if (!filled) return tl::make_unexpected(filled.error());
    reading.files = std::move(*filled);
  }
  return reading;
}

Result<std::optional<Fetched>> fetch(StepContext& context, int slot, int64_t index, DType dtype) {
  Result<Reading> reading = reading_of(context);
  if (!reading) return tl::make_unexpected(reading.error());
  return Fetcher(context, slot, index, dtype, std::move(*reading)).run();
}

Kept keep(const StepContext& context, int slot, const Fetched& fetched,
          const std::optional<Shard>& taken, const std::optional<Shard>& own, DType dtype) {
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  const std::vector<int64_t>& shape = own ? own->layout.shape : spec.shape;
  Kept kept{.value = empty_tensor(shape, dtype)};
  const int64_t item = item_size(dtype), elements = kept.value.numel();
  const at::Tensor source = fetched.value.reshape(-1);
  if (!taken || fetched.is_piece) {
    copy_bytes(kept.value.view(-1), source);
    kept.states = fetched.states;
    return kept;
  }
  auto origin = [&](StateKind kind, const char* what) {
    return context.engine.origins().add({.kind = kind,
                                         .rank = context.rank.index(),
                                         .step = context.step.index,
                                         .item_size = static_cast<int32_t>(item),
                                         .what = what});
  };
  kept.states = StateMap(elements * item, {origin(StateKind::kComputed, "padding"), 0});
  const OriginId lost = origin(StateKind::kUndefined, "target of read");
  int64_t covered = 0;
  for (const Part& part : own->layout.parts) covered += part.count;
  if (covered < elements) {
    const at::Tensor unwritten = empty_tensor({elements}, dtype);
    if (has_bytes(kept.value)) kept.value.zero_();
    for (const Part& part : own->layout.parts)
      copy_bytes(kept.value.view(-1).narrow(0, part.piece, part.count),
                 unwritten.narrow(0, part.piece, part.count));
  }
  for (const Part& part : own->layout.parts)
    kept.states.write(part.piece * item, (part.piece + part.count) * item, {lost, 0});
  const bool written = has_bytes(kept.value);
  for (const Part& part : taken->layout.parts) {
    const int64_t count = std::min(part.count, elements - part.piece);
    if (count <= 0) continue;
    if (written)
      copy_bytes(kept.value.view(-1).narrow(0, part.piece, count),
                 source.narrow(0, part.whole, count));
    kept.states.splice(part.piece * item, (part.piece + count) * item,
                       fetched.states.cut_out(part.whole * item, (part.whole + count) * item));
  }
  return kept;
}

}  // namespace loadproof::sim
