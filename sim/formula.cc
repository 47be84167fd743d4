#include "sim/formula.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

namespace loadproof {
namespace {

constexpr FormulaInfo kInfos[] = {
    {"0.5", "the same number everywhere"},
    {"rope(theta, head_dim)", "inverse frequencies of rotary embeddings"},
    {"linspace(first, last)", "evenly spread, both ends included"},
    {"arange(first, step)", "first, first + step, …"},
    {"[0, 1, -1]", "as many numbers as there are elements"},
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<double> number(std::string_view text) {
  text = trimmed(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<Formula> Formula::parse(std::string_view text) {
  if (const auto constant = number(text)) return Formula::constant(*constant);
  static constexpr std::pair<std::string_view, Kind> kFunctions[] = {
      {"rope", Kind::kRope}, {"linspace", Kind::kLinspace}, {"arange", Kind::kArange}};
  const size_t open = text.find('('), comma = text.find(',');
  if (open != std::string_view::npos && comma != std::string_view::npos && text.ends_with(')')) {
    const auto first = number(text.substr(open + 1, comma - open - 1));
    const auto second = number(text.substr(comma + 1, text.size() - comma - 2));
    for (const auto& [name, kind] : kFunctions)
      if (first && second && trimmed(text.substr(0, open)) == name)
        return Formula(kind, {*first, *second});
  }
  return fail("a value is a number, rope(theta, head_dim), linspace(first, last), "
              "arange(first, step) or a list of numbers");
}

Formula Formula::list(std::vector<double> numbers) {
  Formula formula(Kind::kList, {});
  formula.list_ = std::move(numbers);
  return formula;
}

double Formula::at(int64_t i, int64_t elements) const {
  const auto [a, b] = arguments_;
  const auto place = static_cast<double>(i);
  switch (kind_) {
    case Kind::kConstant: return a;
    case Kind::kRope: return std::pow(a, -2 * place / b);
    case Kind::kLinspace:
      return elements < 2 ? a : a + (b - a) * place / static_cast<double>(elements - 1);
    case Kind::kArange: return a + b * place;
    case Kind::kList: return list_[static_cast<size_t>(i)];
  }
  return 0;
}

std::span<const FormulaInfo> formula_infos() { return kInfos; }

}  // namespace loadproof
