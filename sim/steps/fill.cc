// fill: writes values that come from no file and no other tensor.
#include <ATen/ops/full.h>

#include <limits>

#include <fmt/format.h>

#include "sim/engine.h"
#include "sim/models/initialise.h"
#include "sim/steps/piece.h"
#include "sim/steps/rows.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"with", kChoice, true, "", "init value zeros ones const nan",
     "init: as the library's initialiser does by module type; value: the analytic or declared "
     "value; else a constant"},
    {"const", kNumber, false, "0", "", "the number, with `with: const`"},
    {"rows", kInts, false, "", "", "only these rows of the first dimension, with a constant"},
    {"stream", kChoice, false, "rank", "rank position",
     "of random values; rank: each rank draws what it holds from a stream of its own; position: "
     "all "
     "draw the whole tensor from one stream and keep their piece"},
    {"view", kChoice, false, "held", "held logical",
     "logical: the tensor as its module shows it, which has no elements while it is sharded"},
    {"as", kChoice, false, "value", "value placeholder",
     "whether a constant is the tensor's value or only holds its place"},
};

double constant_of(const Step& step, const std::string& with) {
  if (with == "ones") return 1;
  if (with == "nan") return std::numeric_limits<double>::quiet_NaN();
  return with == "const" ? arg<double>(step, "const") : 0;
}

Cell cell_of(StepContext& context, const at::Tensor& value, StateKind kind, std::string what) {
  return {context.engine.origins().add({.kind = kind,
                                        .rank = context.rank.index(),
                                        .step = context.step.index,
                                        .item_size = static_cast<int32_t>(value.element_size()),
                                        .what = std::move(what)}),
          0};
}

// A verb that writes gives storage where there is none.
void ensure_storage(StepContext& context, int slot) {
  if (!context.rank.slot(slot).value.is_meta()) return;
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  const std::optional<Shard> piece = context.rank.slot(slot).declared;
  at::Tensor value = empty_tensor(piece ? piece->layout.shape : spec.shape, spec.dtype);
  const Cell cell = cell_of(context, value, StateKind::kUndefined, "fill on meta");
  const int64_t bytes = bytes_of(value);
  context.rank.give(slot, std::move(value), StateMap(bytes, cell), piece);
}

Result<void> initialise(StepContext& context, int slot) {
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  if (spec.init.kind == InitKind::kNone) return {};
  ensure_storage(context, slot);
  at::Tensor value = context.rank.slot(slot).value;
  static const Model kNoModel;  // the scenario's own tensors need no config
  const Model* asked = context.engine.asset().model();
  const Model& model = asked ? *asked : kNoModel;
  if (arg<std::string>(context.step, "stream") == "position") {
    at::Tensor all = empty_tensor(spec.shape, dtype_of(value));
    at::Generator shared =
        new_generator(context.engine.spec().seed * 7919 + static_cast<uint64_t>(slot));
    write_initial_value(model, spec, all, shared);
    const std::optional<Shard>& piece = context.rank.slot(slot).shard;
    value.copy_(piece ? piece_of(all, piece->layout) : all);
  } else {
    write_initial_value(model, spec, value, context.engine.generator(context.rank.index()));
  }
  const bool drawn = spec.init.kind == InitKind::kNormal;
  context.rank.wrote_all(
      slot, cell_of(context, value, drawn ? StateKind::kRandom : StateKind::kComputed,
                    drawn ? "drawn by the initialiser" : "constant of the initialiser"));
  return {};
}

Result<void> write_value(StepContext& context, int slot) {
  const at::Tensor& reference = context.engine.asset().reference(slot);
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  if (!reference.defined() || (!spec.pieces.empty() && !spec.value))
    return fail(fmt::format("{} has no analytic and no declared value", spec.name));
  ensure_storage(context, slot);
  at::Tensor value = context.rank.slot(slot).value;
  const std::optional<Shard>& piece = context.rank.slot(slot).shard;
  value.copy_(piece ? piece_of(reference, piece->layout) : reference);
  context.rank.wrote_all(slot, cell_of(context, value, StateKind::kComputed, "its formula"));
  return {};
}

Result<void> write_constant(StepContext& context, int slot, const std::string& with) {
  const double constant = constant_of(context.step, with);
  const bool holds_place = arg<std::string>(context.step, "as") == "placeholder";
  ensure_storage(context, slot);
  at::Tensor value = context.rank.slot(slot).value;
  const Cell cell = cell_of(context, value,
                            holds_place ? StateKind::kPlaceholder : StateKind::kComputed,
                            fmt::format("constant {}", constant));
  if (optional_arg<std::vector<int64_t>>(context.step, "rows"))
    return for_each_row(context, slot, [&](int64_t row) {
      value.select(0, row).fill_(constant);
      context.rank.wrote_rows(slot, row, 1, cell);
    });
  value.fill_(constant);
  context.rank.wrote_all(slot, cell);
  return {};
}

Result<void> fill_one(StepContext& context, int slot) {
  const std::string& with = arg<std::string>(context.step, "with");
  const InitKind init = context.rank.slot(slot).spec->init.kind;
  if (with == "value" || (with == "init" && init == InitKind::kAnalytic))
    return write_value(context, slot);
  return with == "init" ? initialise(context, slot) : write_constant(context, slot, with);
}

Result<void> run(StepContext& context) {
  const bool logical = arg<std::string>(context.step, "view") == "logical";
  for (int slot : context.selected) {
    if (logical && context.rank.slot(slot).shard) {
      context.engine.note_nothing(context, "nothing_written",
                                  fmt::format("{} is sharded, so that its logical view has no "
                                              "elements: nothing was written",
                                              context.rank.slot(slot).spec->name),
                                  {context.rank.slot(slot).spec->name});
      continue;
    }
    if (auto done = fill_one(context, slot); !done) return done;
  }
  return {};
}

}  // namespace

const Verb kFill = {{"fill", "Writes values that come from no file and no other tensor.",
                     "fill: {of: \"!initialised\", with: init}", true, true, false, kParams},
                    run};

}  // namespace loadproof::sim
