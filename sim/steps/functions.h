// The functions that `apply` knows: pure functions of tensors, each a row of one table.
//
// A function computes on the real bytes. Beside it stands which elements of its inputs an element
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

enum class Dependence : uint8_t {
  kElements,   // on the same element of each input
  kMoves,      // on one element of one input: the function is one of positions, of any type
  kReduction,  // on every element read
};

struct FunctionOptions {
  std::optional<double> constant;
  int64_t heads = 0;     // 0: not given, as below
  int64_t head_dim = 0;
  int64_t part = 0;
  int64_t parts = 0;
  std::string mask;
};

using Tensors = std::span<const at::Tensor>;

struct Function {
  std::string_view name;
  Dependence dependence;
  Result<at::Tensor> (*compute)(Tensors inputs, const FunctionOptions& options);
};

inline constexpr std::string_view kFunctionNames =
    "add mul neg_exp transpose rope_permute stack concat split sum mean max masked_sum";

// REQUIRES: one of kFunctionNames.
const Function& function_named(std::string_view name);

// The rows of the second input that masked_sum reads: those of a weight other than 0, or all.
std::vector<int64_t> rows_of_weight(const at::Tensor& weights, std::string_view mask);

}  // namespace loadproof::sim
