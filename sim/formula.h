// Values that a scenario declares for the elements of a tensor, without torch.
//
//   0.5                     a number, for every element
//   rope(theta, head_dim)   theta^(-2i / head_dim), RoPE's inverse frequencies
//   linspace(first, last)   evenly spread, both ends included
//   arange(first, step)     first + i * step
//   [0, 1, -1]              as many numbers as there are elements
//
// i is the element, row-major. A value; computed in double and rounded once to the tensor's type.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/result.h"

namespace loadproof {

class Formula {
 public:
  enum class Kind : uint8_t { kConstant, kRope, kLinspace, kArange, kList };
  // An error says what is wrong and what there is.
  static Result<Formula> parse(std::string_view text);
  static Formula constant(double number) { return Formula(Kind::kConstant, {number, 0}); }
  static Formula list(std::vector<double> numbers);
  // Of a list: how many numbers; 0 of any other, which serves every tensor.
  size_t length() const { return list_.size(); }
  // Of element i of a tensor of `elements`.
  double at(int64_t i, int64_t elements) const;
  bool is_constant() const { return kind_ == Kind::kConstant; }
  bool operator==(const Formula&) const = default;

 private:
  Formula(Kind kind, std::array<double, 2> arguments) : kind_(kind), arguments_(arguments) {}
  Kind kind_ = Kind::kConstant;
  std::array<double, 2> arguments_ = {};
  std::vector<double> list_;
};

// Each formula as it is written, with a sentence; for references and messages.
struct FormulaInfo {
  std::string_view form, about;
};
std::span<const FormulaInfo> formula_infos();

}  // namespace loadproof
