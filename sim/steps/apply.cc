// apply: a pure function of tensors of this rank, computed on their bytes and on their states.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <fmt/ranges.h>

#include "sim/engine.h"
#include "sim/steps/functions.h"
#include "sim/steps/rows.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"fn", kChoice, true, "", kFunctionNames, "the function"},
    {"from", kTensors, false, "", "",
     "its inputs, in declared order; left out: each tensor of `of` by itself, in place"},
    {"const", kNumber, false, "", "", "of add and mul: one more operand"},
    {"rows", kInts, false, "", "", "of sum, mean and max: only these rows of each input are read"},
    {"heads", kInt, false, "0", "", "of rope_permute: how many heads the rows are"},
    {"head_dim", kInt, false, "0", "", "of rope_permute: rows of a head, instead of `heads`"},
    {"part", kInt, false, "0", "", "of split: which part, from 0"},
    {"parts", kInt, false, "1", "", "of split: how many equal parts"},
    {"mask", kChoice, false, "multiply", "multiply select",
     "of masked_sum, weights [n] by values [n, d]; multiply: all rows; select: those of a weight "
     "other than 0"},
};

// One input as the function reads it: values, and the cell and element size of each element.
struct Input {
  at::Tensor value;
  std::vector<Cell> cells;
  int64_t item = 1;
};

FunctionOptions options_of(const Step& step) {
  FunctionOptions options{.heads = arg<int64_t>(step, "heads"),
                          .head_dim = arg<int64_t>(step, "head_dim"),
                          .part = arg<int64_t>(step, "part"),
                          .parts = arg<int64_t>(step, "parts"),
                          .mask = arg<std::string>(step, "mask")};
  if (const double* constant = optional_arg<double>(step, "const")) options.constant = *constant;
  return options;
}

void keep_rows(Input& input, const std::vector<int64_t>& rows) {
  const int64_t width = input.value.size(0) == 0 ? 0 : input.value.numel() / input.value.size(0);
  std::vector<at::Tensor> values;
  std::vector<Cell> cells;
  for (int64_t row : rows) {
    values.push_back(input.value.narrow(0, row, 1).reshape({-1}));
    cells.insert(cells.end(), input.cells.begin() + row * width,
                 input.cells.begin() + (row + 1) * width);
  }
  input.value = at::cat(values);
  input.cells = std::move(cells);
}

Result<Input> input_of(StepContext& context, int slot) {
  const Slot& held = context.rank.slot(slot);
  if (held.value.is_meta())
    return fail(fmt::format("{} is on meta and has no elements to compute with", held.spec->name));
  Input input{held.value, {}, static_cast<int64_t>(held.value.element_size())};
  for (const Interval& one : context.rank.states(slot).read(0, bytes_of(held.value)))
    for (int64_t byte = 0; byte < one.end - one.begin; byte += input.item)
      input.cells.push_back({one.cell.origin, one.cell.offset + byte});
  if (!optional_arg<std::vector<int64_t>>(context.step, "rows")) return input;
  std::vector<int64_t> rows;
  auto found = for_each_row(context, slot, [&](int64_t row) { rows.push_back(row); });
  if (!found) return tl::make_unexpected(found.error());
  keep_rows(input, rows);
  return input;
}

bool is_bad(StepContext& context, Cell cell) {
  return must_not_reach_sampling(context.engine.origins().root_kind(cell.origin));
}

// What an element made from `parent` is: tainted where the parent must not reach sampling.
Cell made_from(StepContext& context, Cell parent, int64_t old_item, int64_t new_item) {
  const OriginId origin = context.engine.origins().add(
      {.kind = is_bad(context, parent) ? StateKind::kTainted : StateKind::kDerived,
       .rank = context.rank.index(),
       .step = context.step.index,
       .parent = parent.origin,
       .item_size = static_cast<int32_t>(new_item),
       .what = arg<std::string>(context.step, "fn")});
  return {origin, parent.offset / old_item * new_item};
}

// The same function on the elements' numbers tells where each element of the result comes from.
Result<std::vector<Cell>> moved(StepContext& context, const Function& function,
                                const std::vector<Input>& inputs, int64_t item) {
  std::vector<at::Tensor> numbers;
  std::vector<std::pair<Cell, int64_t>> all;  // of all inputs: the cell, and its element size
  for (const Input& input : inputs) {
    const auto first = static_cast<int64_t>(all.size());
    numbers.push_back(at::arange(first, first + input.value.numel(), at::kLong)
                          .reshape(input.value.sizes()));
    for (Cell cell : input.cells) all.emplace_back(cell, input.item);
  }
  auto order = function.compute(numbers, options_of(context.step));
  if (!order) return tl::make_unexpected(order.error());
  const at::Tensor flat = order->contiguous();
  std::vector<Cell> cells;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const auto& [cell, old_item] = all[static_cast<size_t>(flat.const_data_ptr<int64_t>()[i])];
    cells.push_back(made_from(context, cell, old_item, item));
  }
  return cells;
}

std::vector<Cell> element_wise(StepContext& context, const std::vector<Input>& inputs,
                               int64_t item) {
  std::vector<Cell> cells;
  for (size_t i = 0; i < inputs[0].cells.size(); ++i) {
    const Input* parent = &inputs[0];
    for (const Input& input : inputs)
      if (!is_bad(context, parent->cells[i]) && is_bad(context, input.cells[i])) parent = &input;
    cells.push_back(made_from(context, parent->cells[i], parent->item, item));
  }
  return cells;
}

// One element that must not reach sampling taints all of a reduction.
std::vector<Cell> reduced(StepContext& context, const std::vector<Input>& inputs, int64_t count,
                          int64_t item) {
  const Input* from = &inputs[0];
  Cell parent = from->cells.empty() ? Cell{} : from->cells[0];
  for (const Input& input : inputs)
    for (Cell cell : input.cells)
      if (!is_bad(context, parent) && is_bad(context, cell)) {
        parent = cell;
        from = &input;
      }
  return std::vector<Cell>(static_cast<size_t>(count),
                           made_from(context, parent, from->item, item));
}

Result<std::vector<Cell>> cells_of(StepContext& context, const Function& function,
                                   std::vector<Input> inputs, int64_t count, int64_t item) {
  if (function.dependence == Dependence::kMoves) return moved(context, function, inputs, item);
  if (function.dependence == Dependence::kElements) return element_wise(context, inputs, item);
  if (function.name == "masked_sum")
    keep_rows(inputs[1], rows_of_weight(inputs[0].value, arg<std::string>(context.step, "mask")));
  return reduced(context, inputs, count, item);
}

void write(StepContext& context, int slot, const at::Tensor& result,
           const std::vector<Cell>& cells) {
  const Slot& target = context.rank.slot(slot);
  const bool fresh = target.value.is_meta();
  at::Tensor value =
      fresh ? empty_tensor(shape_of(target.value), target.spec->dtype) : target.value;
  value.copy_(result.reshape(value.sizes()));
  const auto item = static_cast<int64_t>(value.element_size());
  StateMap states(bytes_of(value), {kNoOrigin, 0});
  for (size_t i = 0; i < cells.size(); ++i)
    states.write(static_cast<int64_t>(i) * item, static_cast<int64_t>(i + 1) * item, cells[i]);
  if (fresh)
    context.rank.give(slot, std::move(value), std::move(states), target.shard);
  else
    context.rank.wrote(slot, whole(shape_of(value)), states.intervals());
}

Result<void> apply_one(StepContext& context, int slot, std::span<const int> sources) {
  const Function& function = function_named(arg<std::string>(context.step, "fn"));
  std::vector<Input> inputs;
  std::vector<at::Tensor> values;
  for (int source : sources) {
    auto input = input_of(context, source);
    if (!input) return tl::make_unexpected(input.error());
    if (function.dependence == Dependence::kElements && !inputs.empty() &&
        input->value.sizes() != values[0].sizes())
      return fail(fmt::format("{} has shape [{}] and {} has [{}]",
                              context.rank.slot(sources[0]).spec->name,
                              fmt::join(values[0].sizes(), ", "),
                              context.rank.slot(source).spec->name,
                              fmt::join(input->value.sizes(), ", ")));
    values.push_back(input->value);
    inputs.push_back(std::move(*input));
  }
  auto result = function.compute(values, options_of(context.step));
  if (!result) return tl::make_unexpected(result.error());
  const Slot& target = context.rank.slot(slot);
  const bool fits = result->sizes() == target.value.sizes() ||
                    (result->numel() == 1 && target.value.numel() == 1);
  if (!fits)
    return fail(fmt::format("{} has shape [{}] and {} gives [{}]", target.spec->name,
                            fmt::join(target.value.sizes(), ", "), function.name,
                            fmt::join(result->sizes(), ", ")));
  const int64_t item = item_size(target.value.is_meta() ? target.spec->dtype
                                                        : dtype_of(target.value));
  auto cells = cells_of(context, function, std::move(inputs), result->numel(), item);
  if (!cells) return tl::make_unexpected(cells.error());
  write(context, slot, *result, *cells);
  return {};
}

Result<void> run(StepContext& context) {
  const Selector* from = optional_arg<Selector>(context.step, "from");
  if (!from) {
    for (int slot : context.selected)
      if (auto done = apply_one(context, slot, std::span(&slot, 1)); !done) return done;
    return {};
  }
  const std::vector<int> sources = context.engine.resolve_on(context.rank, *from);
  if (context.selected.size() != 1)
    return fail(
        fmt::format("`of` means {} tensors here and must mean one", context.selected.size()));
  if (sources.empty()) return fail(fmt::format("`from: {}` means no tensor here", from->text()));
  return apply_one(context, context.selected[0], sources);
}

}  // namespace

const Verb kApply = {{"apply", "Computes a function of tensors of this rank, in place or into one.",
                      "apply: {fn: mul, of: lm_head.weight, const: 2}", true, true, false, kParams},
                     run};

}  // namespace loadproof::sim
