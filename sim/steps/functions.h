// The functions that `apply` knows: pure functions of tensors, each a row of one table.
//
// A function computes on the real bytes. Beside it stands which elements of its inputs each element
// of its result depends on, from which `apply` derives the states.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.h"

namespace loadproof::sim {

struct FunctionOptions {
  std::optional<double> constant;
  std::optional<int64_t> dim;        // the dimension that it goes along; nothing: see the function
  std::vector<int64_t> dims;         // of transpose: the new order of dimensions
  std::vector<int64_t> block;        // of scales in a grid: extents of a block; empty: as they fit
  std::string negative;              // of take, put and lookup: what a negative index does
  int64_t heads = 0;                 // 0: not given, as below
  int64_t head_dim = 0;
  int64_t part = 0;
  int64_t parts = 0;
  int64_t repeats = 1;
  std::string mask;
  std::vector<int64_t> shape;        // of the tensor that the result goes to
  at::ScalarType dtype = at::kFloat;  // and its element type
};

using Tensors = std::span<const at::Tensor>;

struct Function {
  std::string_view name;
  Result<at::Tensor> (*compute)(Tensors inputs, const FunctionOptions& options);
  // Given the numbers of all elements of the inputs, in their shapes: (elements of the result,
  // elements that each depends on), row by row; -1 is none. `inputs` are the values, for functions
  // in which those decide what is read. REQUIRES: `compute` has taken these inputs.
  at::Tensor (*parents)(Tensors numbers, Tensors inputs, const FunctionOptions& options);

  bool goes_by_element() const;  // over inputs whose shapes broadcast
};

inline constexpr std::string_view kFunctionNames =
    "add sub mul div mod minimum maximum neg exp log abs sqrt reciprocal round floor cos sin "
    "neg_exp nan_to_num quantise dequantise lookup take put select transpose reshape "
    "rope_permute stack concat split interleave repeat roll pad bitcast matmul sum mean max min "
    "prod norm argmax softmax masked_sum";

// REQUIRES: one of kFunctionNames.
const Function& function_named(std::string_view name);

}  // namespace loadproof::sim
