// read: from a store into tensors, under its own rules for names, pieces and fused weights.
#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <memory>
#include <set>

#include "sim/checkpoint/mapped_file.h"
#include "sim/engine.h"
#include "sim/memory/ledger.h"
#include "sim/steps/device_arg.h"
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
     "is, where there is no model.safetensors, and the rest is passed over; files: all that are "
     "there, by name, the last one wins; mapped: nobody looks at the files' sizes"},
    {"file", kText, false, "", "",
     "only these files of it, as they are listed; * and ? as in a shell, {rank}, {local}, {node}"},
    {"trailing", kChoice, false, "", "error ignore",
     "of bytes behind a file's last tensor; error if left out, ignore with trust: mapped"},
    {"twice", kChoice, false, "error", "error first last",
     "of a key that a header has twice: which entry counts"},
    {"key", kTexts, false, "", "",
     "the tensor's key in the store, with {name}, {index}, {rank}, {local}, {node}, {turn} and "
     "mesh dimensions; {name/OLD/NEW} has NEW, or nothing, in place of each OLD; of several the "
     "first that is there; KEY[i] is row i of it"},
    {"from_slice", kSlice, false, "", "", "only this part of what the key has is read"},
    {"join", kTexts, false, "", "",
     "keys such as w.{0..7}.{0..1}, in whose order pieces are joined on the first dimension"},
    {"slice", kChoice, false, "own", "own whole",
     "own: the piece that the tensor declares for this rank; whole: all of it"},
    {"as", kInt, false, "", "", "cut as if this rank had this position in the group"},
    {"order", kInts, false, "", "", "cut as if its rows were dealt out in this order"},
    {"stride", kInt, false, "0", "",
     "pieces begin at position * stride rows; 0: at their own place"},
    {"place", kChoice, false, "new", "new same mapped",
     "new: into new storage; same: into the storage that is there, so that other names see it; "
     "mapped: a view of the file's own pages, as safetensors gives it on a CPU, which costs memory "
     "only where it is written; what is cut, cast, joined or for a device is read into new "
     "storage"},
    {"device", kChoice, false, "", kDeviceNames,
     "of new storage: where it is; where the tensor was if left out"},
    {"mark", kText, false, "", "", "a flag that each tensor read is marked with"},
    {"missing", kChoice, false, "skip", "skip error expected",
     "of a selected tensor that the store lacks; expected: skip, and a store that has none of them "
     "is no finding of no_vacuous"},
    {"mismatch", kChoice, false, "error", "error skip common",
     "of a tensor that has another shape there: skip leaves it alone; common: what both have, from "
     "the first element of each dimension on"},
    {"unexpected", kChoice, false, "ignore", "ignore error",
     "of keys of the store that no selected tensor takes"},
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
  const auto* order = optional_arg<std::vector<int64_t>>(context.step, "order");
  if (!position && !order && stride == 0) return own;
  const Shard::Level& level = own->levels.front();
  Result<Place> place = context.engine.place_in(level.group, context.rank.index());
  if (!place) return tl::make_unexpected(place.error());
  if (position && *position >= place->members)
    return fail(fmt::format("position {} of a group of {}", *position, place->members));
  if (position) place->position = *position;
  Cut cut = level.cut;
  cut.stride = stride;
  if (order) cut.order = *order;
  auto cut_so = cut_again(std::nullopt, level.shape, cut, level.group, *place);
  if (!cut_so) return tl::make_unexpected(cut_so.error());
  return std::optional<Shard>(std::move(*cut_so));
}

DType dtype_read(const StepContext& context, const Slot& held) {
  return in_place(context, held) ? dtype_of(held.value) : held.spec->dtype;
}

// All but the elements of that origin, which stay as they are.
void write_over(Rank& rank, int slot, const Kept& kept, OriginId left_alone) {
  at::Tensor value = rank.slot(slot).value;
  const auto item = static_cast<int64_t>(value.element_size());
  const at::Tensor merged = copied(kept.value), before = dense(value).view(-1);
  StateMap states = kept.states;
  for (const Interval& one : kept.states.intervals()) {
    if (one.cell.origin != left_alone) continue;
    const int64_t begin = one.begin / item, count = (one.end - one.begin) / item;
    copy_bytes(merged.view(-1).narrow(0, begin, count), before.narrow(0, begin, count));
    states.splice(one.begin, one.end, rank.states(slot).cut_out(one.begin, one.end));
  }
  copy_bytes(value, merged);
  rank.wrote(slot, whole(shape_of(value)), states.intervals());
}

// The bytes that come from files: of a piece, no more than that. A device has them by way of the
// host.
void note_read(const StepContext& context, int slot, const Fetched& fetched,
               const std::optional<Shard>& taken, const std::optional<Shard>& own) {
  int64_t elements = fetched.value.numel();
  if (taken && !fetched.is_piece) elements = element_count((own ? own : taken)->layout.shape);
  const int64_t bytes = elements * static_cast<int64_t>(fetched.value.element_size());
  const Device device = device_of(context.step).value_or(context.rank.device(slot));
  context.engine.note_work(context, {.read = bytes,
                                     .reads = static_cast<int64_t>(fetched.keys.size()),
                                     .moved = device == Device::kCuda ? bytes : 0});
}

bool may_be_mapped(const StepContext& context, const Slot& held, const Fetched& fetched,
                   const std::optional<Shard>& taken) {
  return arg<std::string>(context.step, "place") == "mapped" && fetched.in_file && !taken &&
         !fetched.is_piece && dtype_of(fetched.value) == held.spec->dtype &&
         shape_of(fetched.value) == held.spec->shape &&
         device_of(context.step).value_or(Device::kCpu) == Device::kCpu;
}

Result<void> map(const StepContext& context, int slot, const Fetched& fetched) {
  const std::vector<int64_t> shape = shape_of(fetched.value);
  at::Tensor value = empty_tensor({0}, dtype_of(fetched.value));
  if (context.engine.dry()) {
    value = empty_tensor(shape, dtype_of(fetched.value));
  } else {
    auto bytes =
        map_private(fetched.in_file->path, fetched.in_file->begin, bytes_of(fetched.value));
    if (!bytes) return tl::make_unexpected(bytes.error());
    auto counted = std::make_shared<CountedMapping>(
        bytes->get(), static_cast<size_t>(bytes_of(fetched.value)));
    value = at::from_blob(bytes->get(), shape, [held = *bytes, counted](void*) mutable {
      counted.reset();  // while it is still mapped
      held.reset();
    }, value.options());
  }
  context.rank.give(slot, std::move(value), fetched.states, std::nullopt,
                    {.device = Device::kCpu, .fresh = true, .mapped = true});
  return {};
}

Result<void> put(const StepContext& context, int slot, const Fetched& fetched) {
  const Slot& held = context.rank.slot(slot);
  const Result<std::optional<Shard>> taken = share_of(context, slot, fetched);
  if (!taken) return tl::make_unexpected(taken.error());
  std::optional<Shard> own;
  if (arg<std::string>(context.step, "slice") == "own") own = own_piece(held);
  note_read(context, slot, fetched, *taken, own);
  if (may_be_mapped(context, held, fetched, *taken)) return map(context, slot, fetched);
  Kept kept = keep(context, slot, fetched, *taken, own, dtype_read(context, held));
  if (!in_place(context, held)) {
    context.rank.give(slot, std::move(kept.value), std::move(kept.states), own,
                      {.device = device_of(context.step), .fresh = true});
    return {};
  }
  const at::Tensor& value = held.value;
  if (value.sizes() != kept.value.sizes())
    return fail(fmt::format("{} cannot be read in place: it has shape [{}] and not [{}]",
                            held.spec->name, fmt::join(value.sizes(), ", "),
                            fmt::join(kept.value.sizes(), ", ")));
  write_over(context.rank, slot, kept, fetched.left_alone);
  return {};
}

// What the step came to on this rank.
struct Found {
  std::set<std::string> keys;  // that selected tensors took
  bool any = false;            // also of another shape
};

Result<void> read_one(StepContext& context, int slot, int64_t index, Found& found) {
  const Result<std::optional<Fetched>> fetched =
      fetch(context, slot, index, dtype_read(context, context.rank.slot(slot)));
  if (!fetched) return tl::make_unexpected(fetched.error());
  if (!*fetched) {
    if (arg<std::string>(context.step, "missing") != "error") return {};
    return fail(fmt::format("store {} has no tensor for {}",
                            arg<std::string>(context.step, "store"),
                            context.rank.slot(slot).spec->name));
  }
  found.any = true;
  found.keys.insert((*fetched)->keys.begin(), (*fetched)->keys.end());
  if ((*fetched)->passed_over) return {};
  if (auto done = put(context, slot, **fetched); !done) return done;
  const std::string* flag = optional_arg<std::string>(context.step, "mark");
  if (flag) context.rank.set_flag(slot, *flag, true);
  return {};
}

void note_nothing_read(StepContext& context) {
  std::vector<std::string> names;
  for (int slot : context.selected) names.push_back(context.rank.slot(slot).spec->name);
  context.engine.note_nothing(
      context, "nothing_read",
      fmt::format("the store {} has none of {}", arg<std::string>(context.step, "store"),
                  fmt::join(names, ", ")),
      names);
}

Result<void> refuse_unexpected(StepContext& context, const std::set<std::string>& taken) {
  const std::string& store = arg<std::string>(context.step, "store");
  const Result<Reading> reading = reading_of(context);
  if (!reading) return tl::make_unexpected(reading.error());
  Result<std::vector<std::string>> keys =
      context.engine.stores().of(store, context.rank.index()).keys(*reading);
  if (!keys) return tl::make_unexpected(keys.error());
  std::erase_if(*keys, [&](const std::string& key) { return taken.contains(key); });
  if (keys->empty()) return {};
  return fail(fmt::format("store {} has keys that no tensor takes: {}", store,
                          fmt::join(*keys, ", ")));
}

Result<void> run(StepContext& context) {
  if (context.selected.empty()) return {};
  Found found;
  int64_t index = 0;
  for (int slot : context.selected)
    if (auto done = read_one(context, slot, index++, found); !done) return done;
  const bool expected = arg<std::string>(context.step, "missing") == "expected";
  if (!found.any && !expected) note_nothing_read(context);
  if (arg<std::string>(context.step, "unexpected") == "ignore") return {};
  return refuse_unexpected(context, found.keys);
}

}  // namespace

const Verb kRead = {
    {"read", "Reads tensors from a store, under its own rules for names and fused weights.",
     "read: {of: file, ranks: 0, mark: initialised}", true, true, false, kParams},
    run};

}  // namespace loadproof::sim
