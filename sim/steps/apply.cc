// apply: a pure function of tensors of this rank, computed on their bytes and on their states.
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/accelerators.h"
#include "sim/engine.h"
#include "sim/memory/poison.h"
#include "sim/steps/functions.h"
#include "sim/steps/pairs.h"
#include "sim/steps/rows.h"
#include "sim/steps/storage.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"fn", kChoice, true, "", kFunctionNames,
     "the function. Element by element, shapes broadcast: add, sub, mul, div, mod, minimum, "
     "maximum, neg, exp, log, abs, sqrt, reciprocal, round, floor, cos, sin, neg_exp, nan_to_num; "
     "quantise: round(w / scale) and dequantise: w * scale, whose scale is broadcast, or one "
     "element a block of a grid, or if it is flat of elements as they follow each other. By "
     "values: lookup: codes, table; take: table, index; put: target, index, values; select: mask, "
     "a, b. Of positions: transpose, reshape, rope_permute, stack, concat, split, interleave, "
     "repeat, roll (by const), pad (with const), bitcast. Of many to one: matmul, masked_sum, "
     "softmax, and sum, mean, max, min, prod, norm, argmax, which take all elements or go along "
     "`dim`"},
    {"from", kTensors, false, "", "",
     "its inputs, in the order of a list, and else as declared; or a pattern whose `*` pairs it "
     "with that of `of`; left out: each tensor of `of` by itself, in place"},
    {"needs", kTensors, false, "", "",
     "what all inputs of a tensor must be; a tensor of `of` with another input is passed over"},
    {"const", kNumber, false, "", "", "one more operand of add, sub, mul, div, minimum, maximum"},
    {"rows", kInts, false, "", "", "only these rows of each input are read"},
    {"dim", kInt, false, "", "",
     "of reductions, stack, concat, split, interleave, repeat and roll: along this dimension"},
    {"dims", kInts, false, "", "", "of transpose: the new order; the first two swap if left out"},
    {"block", kInts, false, "", "",
     "of quantise and dequantise: extents of a block of the grid that the scale is over; as they "
     "fit if left out"},
    {"negative", kChoice, false, "", "drop wrap error",
     "what a negative index does; of put drop if left out, of take and lookup error"},
    {"heads", kInt, false, "0", "", "of rope_permute: how many heads the rows are"},
    {"head_dim", kInt, false, "0", "", "of rope_permute: rows of a head, instead of `heads`"},
    {"part", kInt, false, "0", "", "of split: which part, from 0"},
    {"parts", kInt, false, "1", "", "of split: how many equal parts"},
    {"repeats", kInt, false, "1", "", "of repeat: how often each row comes", 1},
    {"mask", kChoice, false, "multiply", "multiply select",
     "of masked_sum, weights [n] by values [n, d]; multiply: all rows; select: those of a weight "
     "other than 0"},
};

// One input as the function reads it, on the host: its values, and the numbers of their elements.
struct Input {
  int slot = -1;
  at::Tensor value, numbers;
  int64_t first = 0, elements = 0, item = 1;  // number of its first element; all that it has
  std::vector<Interval> states;
  at::Tensor not_finite;  // by element, of all that it has; undefined: nobody asks
};

FunctionOptions options_of(const StepContext& context, int target) {
  const Step& step = context.step;
  const Slot& slot = context.rank.slot(target);
  FunctionOptions options{.heads = arg<int64_t>(step, "heads"),
                          .head_dim = arg<int64_t>(step, "head_dim"),
                          .part = arg<int64_t>(step, "part"),
                          .parts = arg<int64_t>(step, "parts"),
                          .repeats = arg<int64_t>(step, "repeats"),
                          .mask = arg<std::string>(step, "mask"),
                          .shape = shape_of(slot.value),
                          .dtype = scalar_type(slot.value.is_meta() ? slot.spec->dtype
                                                                    : dtype_of(slot.value))};
  if (const double* constant = optional_arg<double>(step, "const")) options.constant = *constant;
  if (const int64_t* dim = optional_arg<int64_t>(step, "dim")) options.dim = *dim;
  if (const auto* dims = optional_arg<std::vector<int64_t>>(step, "dims")) options.dims = *dims;
  if (const auto* block = optional_arg<std::vector<int64_t>>(step, "block")) options.block = *block;
  if (const auto* text = optional_arg<std::string>(step, "negative")) options.negative = *text;
  return options;
}

Result<Input> input_of(StepContext& context, int slot, int64_t first) {
  const Slot& held = context.rank.slot(slot);
  if (held.value.is_meta())
    return fail(fmt::format("{} is on meta and has no elements to compute with", held.spec->name));
  const int64_t elements = held.value.numel();
  Input input{.slot = slot,
              .value = on_host(held.value),
              .numbers = at::arange(first, first + elements, at::kLong).reshape(held.value.sizes()),
              .first = first,
              .elements = elements,
              .item = static_cast<int64_t>(held.value.element_size()),
              .states = context.rank.states(slot).intervals()};
  if (!optional_arg<std::vector<int64_t>>(context.step, "rows")) return input;
  std::vector<int64_t> rows;
  auto found = for_each_row(context, slot, [&](int64_t row) { rows.push_back(row); });
  if (!found) return tl::make_unexpected(found.error());
  const at::Tensor chosen = at::tensor(rows, at::kLong);
  input.value = input.value.index_select(0, chosen);
  input.numbers = input.numbers.index_select(0, chosen);
  return input;
}

// The states of a result, from those of the elements that each of its elements depends on.
class Descent {
 public:
  Descent(StepContext& context, std::vector<Input>& inputs, int64_t item)
      : context_(context), inputs_(inputs), item_(item) {}

  std::vector<Interval> states(const at::Tensor& parents, const at::Tensor& result) {
    const at::Tensor broken = result.reshape({-1}).isfinite().logical_not();
    if (broken.any().item<bool>()) look_for_broken();
    const bool* is_broken = broken.const_data_ptr<bool>();
    const at::Tensor table = parents.contiguous();
    const int64_t count = table.size(0), width = table.size(1);
    const int64_t* number = table.const_data_ptr<int64_t>();
    std::vector<Interval> states;
    for (int64_t i = 0; i < count; ++i, number += width) {
      const std::span depends_on(number, static_cast<size_t>(width));
      const Cell cell = made_from(worst(depends_on, is_broken[i]));
      const int64_t begin = i * item_;
      const bool goes_on = !states.empty() && states.back().cell.origin == cell.origin &&
                           states.back().cell.offset + begin - states.back().begin == cell.offset;
      if (goes_on)
        states.back().end += item_;
      else
        states.push_back({begin, begin + item_, cell});
    }
    return states;
  }

 private:
  struct Parent {
    Cell cell;
    int64_t item = 1;
    bool bad = false;     // must not reach sampling
    bool broken = false;  // no finite number, and somebody asks
  };

  StepContext& context_;
  std::vector<Input>& inputs_;
  int64_t item_;

  void look_for_broken() {
    for (Input& input : inputs_) {
      const at::Tensor all = on_host(context_.rank.slot(input.slot).value).reshape({-1});
      input.not_finite = (c10::isFloat8Type(all.scalar_type()) ? all.to(at::kFloat) : all)
                             .isfinite().logical_not().contiguous();
    }
  }

  Parent parent(int64_t number) const {
    const auto input = std::ranges::find_if(inputs_, [&](const Input& one) {
      return number < one.first + one.elements;
    });
    const int64_t at = (number - input->first) * input->item;
    const auto state = std::ranges::upper_bound(input->states, at, {}, &Interval::end);
    const Cell cell{state->cell.origin, state->cell.offset + at - state->begin};
    return {cell, input->item,
            must_not_reach_sampling(context_.engine.origins().root_kind(cell.origin)),
            input->not_finite.defined() &&
                input->not_finite.const_data_ptr<bool>()[number - input->first]};
  }

  // The first that must not reach sampling; else of a result that is no finite number the first
  // that is none either; else the first. Nothing: it depends on none.
  std::optional<Parent> worst(std::span<const int64_t> numbers, bool result_is_broken) const {
    std::optional<Parent> chosen;
    auto blame = [&](const Parent& one) {
      return one.bad ? 2 : result_is_broken && one.broken ? 1 : 0;
    };
    for (int64_t number : numbers) {
      if (number < 0) continue;
      const Parent one = parent(number);
      if (!chosen || blame(one) > blame(*chosen)) chosen = one;
      if (chosen->bad) break;
    }
    return chosen;
  }

  Cell made_from(const std::optional<Parent>& parent) {
    Origin origin{.kind = StateKind::kComputed,
                  .rank = context_.rank.index(),
                  .step = context_.step.index,
                  .item_size = static_cast<int32_t>(item_),
                  .what = arg<std::string>(context_.step, "fn")};
    if (!parent) return {context_.engine.origins().add(std::move(origin)), 0};
    origin.kind = parent->bad ? StateKind::kTainted : StateKind::kDerived;
    origin.parent = parent->cell.origin;
    return {context_.engine.origins().add(std::move(origin)),
            parent->cell.offset / parent->item * item_};
  }
};

void write(StepContext& context, int slot, const at::Tensor& result,
           const std::vector<Interval>& states) {
  const Slot& target = context.rank.slot(slot);
  if (!target.value.is_meta()) {
    at::Tensor value = target.value;
    value.copy_(result.reshape(value.sizes()));
    context.rank.wrote(slot, whole(shape_of(value)), states);
    return;
  }
  at::Tensor value = empty_tensor(shape_of(target.value), target.spec->dtype);
  value.copy_(result.reshape(value.sizes()));
  StateMap fresh(bytes_of(value), {kNoOrigin, 0});
  fresh.splice(0, fresh.bytes(), states);
  context.rank.give(slot, std::move(value), std::move(fresh), target.shard);
}

bool broadcasts(const at::Tensor& a, const at::Tensor& b) {
  for (int64_t d = 1; d <= std::min(a.dim(), b.dim()); ++d)
    if (a.size(-d) != b.size(-d) && a.size(-d) != 1 && b.size(-d) != 1) return false;
  return true;
}

// Whether the function gives what the slot has room for. One that looks at values, such as a
// lookup, does not tell on meta, and is taken at its word.
Result<void> check_shape(StepContext& context, int slot, const Function& function,
                         const std::vector<at::Tensor>& values) {
  const WithoutBytes scope(false);  // constants that functions make for themselves have some
  const Slot& target = context.rank.slot(slot);
  try {
    const auto result = function.compute(values, options_of(context, slot));
    if (!result) return fail(fmt::format("{}: {}", target.spec->name, result.error().message));
    if (result->numel() == target.value.numel()) return {};
    return fail(fmt::format("{} has shape [{}] and {} gives [{}]", target.spec->name,
                            fmt::join(target.value.sizes(), ", "), function.name,
                            fmt::join(result->sizes(), ", ")));
  } catch (const c10::Error&) {
    return {};
  }
}

// On shapes alone: the function tells what it would give, and all of that is made from its first
// input, or from one that must not reach sampling.
Result<void> apply_dry(StepContext& context, int slot, std::span<const int> sources) {
  const Function& function = function_named(arg<std::string>(context.step, "fn"));
  std::vector<at::Tensor> values;
  Origin origin{.kind = StateKind::kDerived,
                .rank = context.rank.index(),
                .step = context.step.index,
                .what = std::string(function.name)};
  for (int source : sources) {
    const Slot& held = context.rank.slot(source);
    if (held.value.is_meta())
      return fail(fmt::format("{} is on meta and has no elements to compute with",
                              held.spec->name));
    std::vector<int64_t> shape = shape_of(held.value);
    if (optional_arg<std::vector<int64_t>>(context.step, "rows")) {
      shape[0] = 0;
      if (auto found = for_each_row(context, source, [&](int64_t) { ++shape[0]; }); !found)
        return found;
    }
    values.push_back(meta_tensor(shape, dtype_of(held.value)));
    for (const Interval& one : context.rank.states(source).intervals()) {
      const bool bad =
          must_not_reach_sampling(context.engine.origins().root_kind(one.cell.origin));
      if (origin.parent != kNoOrigin && (!bad || origin.kind == StateKind::kTainted)) continue;
      origin.parent = one.cell.origin;
      if (bad) origin.kind = StateKind::kTainted;
    }
  }
  if (auto fits = check_shape(context, slot, function, values); !fits) return fits;
  ensure_storage(context, slot, "target of apply");
  origin.item_size = static_cast<int32_t>(context.rank.slot(slot).value.element_size());
  context.rank.wrote_all(slot, {context.engine.origins().add(std::move(origin)), 0});
  return {};
}

Result<void> apply_one(StepContext& context, int slot, std::span<const int> sources) {
  if (context.engine.dry()) return apply_dry(context, slot, sources);
  const Function& function = function_named(arg<std::string>(context.step, "fn"));
  std::vector<Input> inputs;
  std::vector<at::Tensor> values, numbers;
  int64_t next = 0;
  for (int source : sources) {
    auto input = input_of(context, source, next);
    if (!input) return tl::make_unexpected(input.error());
    if (function.goes_by_element() && !inputs.empty() && !broadcasts(values[0], input->value))
      return fail(fmt::format("{} has shape [{}] and {} has [{}]",
                              context.rank.slot(sources[0]).spec->name,
                              fmt::join(values[0].sizes(), ", "),
                              context.rank.slot(source).spec->name,
                              fmt::join(input->value.sizes(), ", ")));
    next += input->elements;
    values.push_back(input->value);
    numbers.push_back(input->numbers);
    inputs.push_back(std::move(*input));
  }
  const FunctionOptions options = options_of(context, slot);
  auto result = function.compute(values, options);
  if (!result)
    return fail(fmt::format("{}: {}", context.rank.slot(slot).spec->name, result.error().message));
  const Slot& target = context.rank.slot(slot);
  const bool fits = result->squeeze().sizes() == target.value.squeeze().sizes();
  if (!fits)
    return fail(fmt::format("{} has shape [{}] and {} gives [{}]", target.spec->name,
                            fmt::join(target.value.sizes(), ", "), function.name,
                            fmt::join(result->sizes(), ", ")));
  const auto item = static_cast<int64_t>(c10::elementSize(options.dtype));
  const std::vector<Interval> states =
      Descent(context, inputs, item).states(function.parents(numbers, values, options), *result);
  write(context, slot, *result, states);
  return {};
}

// The inputs of each selected tensor, in the order of the list that `from` is: the tensors that an
// entry means, or the partner of that tensor where both are patterns.
Result<std::vector<std::vector<int>>> sources_of(StepContext& context, const Selector& from) {
  std::vector<std::vector<int>> sources(context.selected.size());
  for (const Selector& one : from.alternatives()) {
    std::vector<int> meant = context.engine.resolve_on(context.rank, one);
    if (are_paired(context, one)) {
      auto partners = partners_of(context, one, "from");
      if (!partners) return tl::make_unexpected(partners.error());
      for (size_t i = 0; i < sources.size(); ++i) sources[i].push_back((*partners)[i]);
      continue;
    }
    for (std::vector<int>& all : sources)
      for (int slot : meant)
        if (std::ranges::find(all, slot) == all.end()) all.push_back(slot);
  }
  for (const std::vector<int>& all : sources)
    for (int slot : all) context.rank.note_read(slot);
  if (!sources.empty() && sources[0].empty())
    return fail(fmt::format("`from: {}` means no tensor here", from.text()));
  return sources;
}

bool are_all(const StepContext& context, std::span<const int> slots, const Selector& selector) {
  const std::vector<int> meant = context.engine.resolve_on(context.rank, selector);
  return std::ranges::all_of(slots,
                             [&](int slot) { return std::ranges::binary_search(meant, slot); });
}

Result<void> run(StepContext& context) {
  const Selector* from = optional_arg<Selector>(context.step, "from");
  std::vector<std::vector<int>> sources;
  for (int slot : context.selected) sources.push_back({slot});
  if (from) {
    auto given = sources_of(context, *from);
    if (!given) return tl::make_unexpected(given.error());
    sources = std::move(*given);
  }
  const Selector* needs = optional_arg<Selector>(context.step, "needs");
  for (size_t i = 0; i < sources.size(); ++i) {
    if (needs && !are_all(context, sources[i], *needs)) continue;
    if (auto done = apply_one(context, context.selected[i], sources[i]); !done) return done;
  }
  return {};
}

}  // namespace

const Verb kApply = {{"apply", "Computes a function of tensors of this rank, in place or into one.",
                      "apply: {fn: mul, of: lm_head.weight, const: 2}", true, true, false, kParams,
                      /*reads=*/true},
                     run};

}  // namespace loadproof::sim
