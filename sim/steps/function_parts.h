// What the rows of the function table are made of: computations, and what their results depend on.
// For functions.cc alone; see Function for what the parameters are.
#pragma once

#include "sim/steps/functions.h"

namespace loadproof::sim::parts {

using Computed = Result<at::Tensor>;

// ---- element by element; shapes are broadcast as torch does ----
Computed add(Tensors inputs, const FunctionOptions& options);  // and `const`, as those that follow
Computed sub(Tensors inputs, const FunctionOptions& options);
Computed mul(Tensors inputs, const FunctionOptions& options);
Computed div(Tensors inputs, const FunctionOptions& options);
Computed mod(Tensors inputs, const FunctionOptions& options);  // of the sign of the divisor
Computed minimum(Tensors inputs, const FunctionOptions& options);
Computed maximum(Tensors inputs, const FunctionOptions& options);
Computed neg(Tensors inputs, const FunctionOptions& options);
Computed exp(Tensors inputs, const FunctionOptions& options);
Computed log(Tensors inputs, const FunctionOptions& options);
Computed abs(Tensors inputs, const FunctionOptions& options);
Computed sqrt(Tensors inputs, const FunctionOptions& options);
Computed reciprocal(Tensors inputs, const FunctionOptions& options);
Computed round(Tensors inputs, const FunctionOptions& options);
Computed floor(Tensors inputs, const FunctionOptions& options);
Computed cos(Tensors inputs, const FunctionOptions& options);
Computed sin(Tensors inputs, const FunctionOptions& options);
Computed neg_exp(Tensors inputs, const FunctionOptions& options);     // of Mamba's A_log
Computed nan_to_num(Tensors inputs, const FunctionOptions& options);  // `const` in place of NaN
// Inputs w and scale; the scale is broadcast, or has as many dimensions and one element for each
// block of a grid, or is flat and has one for each block of w's elements as they follow each other.
Computed quantise(Tensors inputs, const FunctionOptions& options);    // round(w / scale)
Computed dequantise(Tensors inputs, const FunctionOptions& options);  // w * scale

// ---- values that choose ----
Computed lookup(Tensors inputs, const FunctionOptions& options);  // codes, table: table[codes]
Computed take(Tensors inputs, const FunctionOptions& options);    // table, index: rows of the table
// target, index, values: the target with those rows; a negative index drops its row.
Computed put(Tensors inputs, const FunctionOptions& options);
Computed select(Tensors inputs, const FunctionOptions& options);  // mask, a, b: a where it is not 0

// ---- positions alone ----
Computed transpose(Tensors inputs, const FunctionOptions& options);
Computed reshape(Tensors inputs, const FunctionOptions& options);
Computed rope_permute(Tensors inputs, const FunctionOptions& options);
Computed stack(Tensors inputs, const FunctionOptions& options);
Computed concat(Tensors inputs, const FunctionOptions& options);
Computed split(Tensors inputs, const FunctionOptions& options);
Computed interleave(Tensors inputs, const FunctionOptions& options);
Computed repeat(Tensors inputs, const FunctionOptions& options);
Computed roll(Tensors inputs, const FunctionOptions& options);
Computed pad(Tensors inputs, const FunctionOptions& options);
Computed bitcast(Tensors inputs, const FunctionOptions& options);

// ---- many elements to one: all of all inputs, or of one input along `dim` ----
Computed matmul(Tensors inputs, const FunctionOptions& options);
Computed sum(Tensors inputs, const FunctionOptions& options);
Computed mean(Tensors inputs, const FunctionOptions& options);
Computed max(Tensors inputs, const FunctionOptions& options);
Computed min(Tensors inputs, const FunctionOptions& options);
Computed prod(Tensors inputs, const FunctionOptions& options);
Computed norm(Tensors inputs, const FunctionOptions& options);
Computed argmax(Tensors inputs, const FunctionOptions& options);
Computed softmax(Tensors inputs, const FunctionOptions& options);  // along the last dimension
Computed masked_sum(Tensors inputs, const FunctionOptions& options);

// ---- what they depend on ----
at::Tensor same_element(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor same_block(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor looked_up(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor taken(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor put_there(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor selected(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor padded(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor recast(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor row_and_column(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor along(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor whole_row(Tensors numbers, Tensors inputs, const FunctionOptions& options);
at::Tensor masked_rows(Tensors numbers, Tensors inputs, const FunctionOptions& options);

// Of a function of positions: what it makes of the numbers.
template <Computed (*function)(Tensors, const FunctionOptions&)>
at::Tensor moved(Tensors numbers, Tensors, const FunctionOptions& options) {
  return function(numbers, options)->reshape({-1, 1});
}

// ---- shared by the files of these ----
// An error if there are not `count` inputs, or the first has fewer dimensions.
Result<void> wants(Tensors inputs, size_t count, int64_t dimensions, std::string_view name);
// Element types that torch does not calculate in, as float32.
at::Tensor wide(const at::Tensor& value);

}  // namespace loadproof::sim::parts
