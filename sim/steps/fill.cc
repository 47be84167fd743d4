// fill: writes values that come from no file and no other tensor.
#include <ATen/ops/full.h>

#include <fmt/format.h>

#include <functional>
#include <limits>

#include "sim/accelerators.h"
#include "sim/engine.h"
#include "sim/models/initialise.h"
#include "sim/steps/piece.h"
#include "sim/steps/rows.h"
#include "sim/steps/slices.h"
#include "sim/steps/storage.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"with", kChoice, true, "", "init value random zeros ones const nan",
     "init: as the library's initialiser does by module type; value: the analytic or declared "
     "value; random: drawn from a normal distribution; else a constant"},
    {"const", kNumber, false, "0", "", "the number, with `with: const`"},
    {"rows", kInts, false, "", "", "only these rows of the first dimension"},
    {"slice", kSlice, false, "", "", "only this part"},
    {"where", kChoice, false, "", "nan inf suspect",
     "only the elements that are NaN, or infinite, or that must not reach sampling"},
    {"stream", kChoice, false, "rank", "rank shared position",
     "of random values; rank: each rank draws what it holds from a stream of its own; shared: the "
     "same, but all streams have one seed, and run on with what each rank draws; position: all "
     "draw the whole tensor from one stream and keep their piece"},
    {"view", kChoice, false, "held", "held logical",
     "logical: the tensor as its module shows it, which has no elements while it is sharded"},
    {"as", kChoice, false, "value", "value placeholder",
     "whether a constant is the tensor's value or only holds its place"},
};

constexpr double kRandomStd = 0.02;

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

// How the initialiser writes what it draws, or the constants that it knows.
TensorSpec drawn_as(const StepContext& context, int slot) {
  TensorSpec spec = *context.rank.slot(slot).spec;
  if (arg<std::string>(context.step, "with") == "random")
    spec.init = {InitKind::kNormal, kRandomStd};
  return spec;
}

void draw(StepContext& context, int slot, at::Tensor target) {
  const TensorSpec spec = drawn_as(context, slot);
  static const Model kNoModel;  // the scenario's own tensors need no config
  const Model* asked = context.engine.asset().model();
  const Model& model = asked ? *asked : kNoModel;
  const std::string& stream = arg<std::string>(context.step, "stream");
  if (stream != "position") {
    const int rank = context.rank.index();
    // On the host, so that what is drawn depends on no device.
    at::Tensor drawn =
        target.is_cpu() ? target : empty_tensor(shape_of(target), dtype_of(target));
    write_initial_value(model, spec, drawn,
                        stream == "shared" ? context.engine.shared_generator(rank)
                                           : context.engine.generator(rank));
    if (!drawn.is_same(target)) target.copy_(drawn);
    return;
  }
  at::Tensor all = empty_tensor(spec.shape, dtype_of(target));
  at::Generator shared =
      new_generator(context.engine.spec().seed * 7919 + static_cast<uint64_t>(slot));
  write_initial_value(model, spec, all, shared);
  const std::optional<Shard>& piece = context.rank.slot(slot).shard;
  target.copy_(piece ? piece_of(all, piece->layout) : all);
}

// What a step writes: how, and what its bytes are then.
struct Content {
  std::function<void(at::Tensor)> write;  // into a tensor of the slot's shape and type
  StateKind kind = StateKind::kComputed;
  std::string what;
  bool by_element = false;  // it writes the same into a part as into that part of the whole
};

Result<Content> value_content(StepContext& context, int slot) {
  const Asset& asset = context.engine.asset();
  const TensorSpec& spec = *context.rank.slot(slot).spec;
  if (!asset.has_reference(slot) || (!spec.pieces.empty() && !spec.value))
    return fail(fmt::format("{} has no analytic and no declared value", spec.name));
  const std::optional<Shard> piece = context.rank.slot(slot).shard;
  return Content{[&asset, slot, piece](at::Tensor target) {
                   const at::Tensor& reference = asset.reference(slot);
                   target.copy_(piece ? piece_of(reference, piece->layout) : reference);
                 },
                 StateKind::kComputed, "its formula"};
}

Content constant_content(const Step& step) {
  const double constant = constant_of(step, arg<std::string>(step, "with"));
  const bool holds_place = arg<std::string>(step, "as") == "placeholder";
  return {[constant](at::Tensor target) { target.fill_(constant); },
          holds_place ? StateKind::kPlaceholder : StateKind::kComputed,
          fmt::format("constant {}", constant), /*by_element=*/true};
}

// Nothing: the initialiser does not know the tensor. REQUIRES: it has storage, or none is needed.
Result<std::optional<Content>> content_of(StepContext& context, int slot) {
  const std::string& with = arg<std::string>(context.step, "with");
  const InitKind init = drawn_as(context, slot).init.kind;
  if (with == "value" || (with == "init" && init == InitKind::kAnalytic)) {
    auto content = value_content(context, slot);
    if (!content) return tl::make_unexpected(content.error());
    return std::optional(std::move(*content));
  }
  if (with != "init" && with != "random") return std::optional(constant_content(context.step));
  if (init == InitKind::kNone) return std::optional<Content>();
  const bool drawn = init == InitKind::kNormal;
  return std::optional(Content{[&context, slot](at::Tensor target) { draw(context, slot, target); },
                               drawn ? StateKind::kRandom : StateKind::kComputed,
                               drawn ? "drawn by the initialiser" : "constant of the initialiser"});
}

// Elements of a tensor, in order, as few parts as there can be.
class Chosen {
 public:
  void add(int64_t element, int64_t count) {
    if (!parts_.empty() && parts_.back().whole + parts_.back().count == element)
      parts_.back().count += count;
    else
      parts_.push_back({element, element, count});
  }
  std::vector<Part> take() { return std::move(parts_); }

 private:
  std::vector<Part> parts_;
};

std::vector<Part> elements_where(const StepContext& context, int slot, const std::string& where) {
  Chosen chosen;
  const at::Tensor value = context.rank.slot(slot).value;
  if (where == "suspect") {
    const auto item = static_cast<int64_t>(value.element_size());
    for (const Interval& one : context.rank.states(slot).intervals())
      if (must_not_reach_sampling(context.engine.origins().root_kind(one.cell.origin)))
        chosen.add(one.begin / item, (one.end - one.begin) / item);
    return chosen.take();
  }
  const at::Tensor found =
      on_host((where == "nan" ? value.isnan() : value.isinf()).reshape({-1}).nonzero())
          .contiguous();
  for (int64_t i = 0; i < found.numel(); ++i) chosen.add(found.const_data_ptr<int64_t>()[i], 1);
  return chosen.take();
}

// The elements that the step is about; nothing: all.
Result<std::optional<std::vector<Part>>> parts_of(StepContext& context, int slot) {
  const at::Tensor value = context.rank.slot(slot).value;
  const auto* where = optional_arg<std::string>(context.step, "where");
  if (where && *where != "suspect" && context.engine.dry())
    return fail(fmt::format("on shapes alone nobody can tell which elements are {}", *where));
  if (where)
    return std::optional(elements_where(context, slot, *where));
  if (optional_arg<std::vector<int64_t>>(context.step, "rows")) {
    Chosen chosen;
    const int64_t width = value.size(0) == 0 ? 0 : value.numel() / value.size(0);
    auto found =
        for_each_row(context, slot, [&](int64_t row) { chosen.add(row * width, width); });
    if (!found) return tl::make_unexpected(found.error());
    return std::optional(chosen.take());
  }
  auto part = part_argument(context, "slice", value, context.rank.slot(slot).spec->name);
  if (!part) return tl::make_unexpected(part.error());
  if (!*part) return std::optional<std::vector<Part>>();
  for (Part& one : (*part)->layout.parts) one.piece = one.whole;
  return std::optional((*part)->layout.parts);
}

void write_parts(at::Tensor value, const std::vector<Part>& parts, const Content& content) {
  if (content.by_element && value.is_contiguous()) {
    for (const Part& part : parts) content.write(value.view(-1).narrow(0, part.whole, part.count));
    return;
  }
  at::Tensor all = empty_tensor(shape_of(value), dtype_of(value));
  content.write(all);
  if (value.is_contiguous()) {
    for (const Part& part : parts)
      value.view(-1).narrow(0, part.whole, part.count)
          .copy_(all.view(-1).narrow(0, part.whole, part.count));
    return;
  }
  at::Tensor merged = value.contiguous().clone();
  for (const Part& part : parts)
    merged.view(-1).narrow(0, part.whole, part.count)
        .copy_(all.view(-1).narrow(0, part.whole, part.count));
  value.copy_(merged);
}

Result<void> fill_one(StepContext& context, int slot) {
  auto content = content_of(context, slot);
  if (!content) return tl::make_unexpected(content.error());
  if (!*content) return {};
  ensure_storage(context, slot, "fill on meta");
  at::Tensor value = context.rank.slot(slot).value;
  auto parts = parts_of(context, slot);
  if (!parts) return tl::make_unexpected(parts.error());
  const Cell cell = cell_of(context, value, (*content)->kind, (*content)->what);
  if (!*parts) {
    if (has_bytes(value)) (*content)->write(value);
    context.rank.wrote_all(slot, cell);
    return {};
  }
  if (has_bytes(value)) write_parts(value, **parts, **content);
  context.rank.wrote_parts(slot, **parts, {{0, bytes_of(value), cell}});
  return {};
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
