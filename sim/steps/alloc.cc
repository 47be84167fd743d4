// alloc: gives each tensor new storage, and never a value.
#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/steps/device_arg.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"as", kChoice, true, "", "meta empty zeros zeros_lazy",
     "meta: no storage; empty: undefined content; zeros: written zeros that hold the place; "
     "zeros_lazy: zeros of the kernel, which cost nothing until they are written"},
    {"dtype", kDType, false, "", "", "element type; the declared one if left out"},
    {"place", kChoice, false, "new", "new same",
     "new: new storage for this name alone; same: the storage that is there, so that other names "
     "and captured addresses see it"},
    {"device", kChoice, false, "", kDeviceNames,
     "whose memory: the host's, or that of the rank's accelerator; the one that it was on if left "
     "out"},
};

StateKind state_of(const std::string& as) {
  if (as == "meta") return StateKind::kMeta;
  return as == "empty" ? StateKind::kUndefined : StateKind::kPlaceholder;
}

at::Tensor allocate(const std::string& as, const std::vector<int64_t>& shape, DType dtype,
                    at::Device place) {
  if (as == "meta") return meta_tensor(shape, dtype);
  if (as == "empty") return empty_tensor(shape, dtype, place);
  at::Tensor value = empty_tensor(shape, dtype, place);
  if (has_bytes(value)) value.zero_();  // as at::zeros does
  return value;
}

Result<void> run(StepContext& context) {
  const std::string& as = arg<std::string>(context.step, "as");
  const std::string* dtype_name = optional_arg<std::string>(context.step, "dtype");
  for (int slot : context.selected) {
    const TensorSpec& spec = *context.rank.slot(slot).spec;
    const DType dtype = dtype_name ? *dtype_named(*dtype_name) : spec.dtype;
    const std::optional<Shard> piece = context.rank.slot(slot).declared;
    const Slot& held = context.rank.slot(slot);
    const bool same = arg<std::string>(context.step, "place") == "same" && !held.value.is_meta() &&
                      as != "meta";
    if (same && dtype_name && dtype != dtype_of(held.value))
      return fail(fmt::format("{} cannot become {} in the storage that it has", spec.name,
                              name(dtype)));
    const at::Device place =
        context.rank.place(device_of(context.step).value_or(context.rank.device(slot)));
    at::Tensor value = same ? allocate(as, shape_of(held.value), dtype_of(held.value), place)
                            : allocate(as, piece ? piece->layout.shape : spec.shape, dtype, place);
    const OriginId origin =
        context.engine.origins().add({.kind = state_of(as),
                                      .rank = context.rank.index(),
                                      .step = context.step.index,
                                      .item_size = static_cast<int32_t>(item_size(dtype)),
                                      .what = "alloc as " + as});
    if (same) {
      copy_bytes(held.value, value);
      context.rank.wrote_all(slot, {origin, 0});
      continue;
    }
    const int64_t bytes = bytes_of(value);
    context.rank.give(slot, std::move(value), StateMap(bytes, {origin, 0}), piece,
                      {.device = device_of(context.step), .fresh = true});
  }
  return {};
}

}  // namespace

const Verb kAlloc = {{"alloc", "Gives each tensor new storage. Never gives it a value.",
                      "alloc: {of: meta, as: empty}", true, true, false, kParams},
                     run};

}  // namespace loadproof::sim
