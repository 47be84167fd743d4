#include "harness/argument_parts.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "harness/argument.h"

namespace loadproof::harness {
namespace {

// As YAML writes them.
constexpr std::pair<std::string_view, double> kInfinities[] = {
    {".inf", std::numeric_limits<double>::infinity()},
    {"+.inf", std::numeric_limits<double>::infinity()},
    {"-.inf", -std::numeric_limits<double>::infinity()},
};

template <typename Number>
std::optional<Number> plain_number(const Node& node) {
  if (!node.is_scalar() || node.quoted || node.text.empty()) return std::nullopt;
  std::string_view text = node.text;
  if (text[0] == '+' && !text.starts_with("+-")) text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string quotes_hint(const Node& node) {
  return node.quoted ? "take the quotes away" : "";
}

}  // namespace

void wrong_type(const Node& node, std::string_view what, std::string_view wanted,
                Diagnostics& diagnostics, std::string hint) {
  diagnostics.add(node.where, fmt::format("{} must be {}, not {}", what, wanted, describe(node)),
                  std::move(hint));
}

void add_parse_error(const Node& node, std::string_view what, const Error& error,
                     Diagnostics& diagnostics) {
  std::string_view text = error.message;
  int column = 1;
  const size_t colon = text.find(": ");
  if (text.starts_with("column ") && colon != std::string_view::npos) {
    std::from_chars(text.data() + 7, text.data() + colon, column);
    text.remove_prefix(colon + 2);
  }
  diagnostics.add(inside(node, column), fmt::format("{}: {}", what, text));
}

std::optional<bool> read_bool(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  if (node.is_scalar() && !node.quoted && node.text == "true") return true;
  if (node.is_scalar() && !node.quoted && node.text == "false") return false;
  wrong_type(node, what, "true or false", diagnostics, quotes_hint(node));
  return std::nullopt;
}

std::optional<int64_t> read_int(const Node& node, std::string_view what, int64_t least,
                                int64_t most, Diagnostics& diagnostics) {
  const auto value = plain_number<int64_t>(node);
  if (!value) {
    wrong_type(node, what, "a whole number", diagnostics, quotes_hint(node));
  } else if (*value < least || *value > most) {
    const std::string wanted = most == std::numeric_limits<int64_t>::max()
                                   ? fmt::format("at least {}", least)
                                   : fmt::format("between {} and {}", least, most);
    diagnostics.add(node.where, fmt::format("{} must be {}, not {}", what, wanted, *value));
    return std::nullopt;
  }
  return value;
}

std::optional<double> read_number(const Node& node, std::string_view what,
                                  Diagnostics& diagnostics) {
  const auto value = plain_number<double>(node);
  if (value && std::isfinite(*value)) return value;
  for (const auto& [text, infinity] : kInfinities)
    if (node.is_scalar() && !node.quoted && node.text == text) return infinity;
  wrong_type(node, what, "a number", diagnostics, quotes_hint(node));
  return std::nullopt;
}

std::optional<double> read_seconds(const Node& node, std::string_view what,
                                   Diagnostics& diagnostics) {
  const auto value = read_number(node, what, diagnostics);
  if (!value || (*value >= 0 && std::isfinite(*value))) return value;
  diagnostics.add(node.where, fmt::format("{} must be at least 0, not {}", what, node.text));
  return std::nullopt;
}

std::optional<std::vector<int64_t>> read_ints(const Node& node, std::string_view what,
                                              Diagnostics& diagnostics) {
  std::vector<int64_t> values;
  if (!node.is_list()) {
    wrong_type(node, what, "a list of whole numbers", diagnostics);
    return std::nullopt;
  }
  bool good = true;
  for (const Node& item : node.items) {
    const auto value = plain_number<int64_t>(item);
    if (!value) wrong_type(item, fmt::format("each of {}", what), "a whole number", diagnostics);
    good = good && value;
    values.push_back(value.value_or(0));
  }
  return good ? std::optional(values) : std::nullopt;
}

std::optional<Slice> read_slice(const Node& node, std::string_view what,
                                Diagnostics& diagnostics) {
  if (!node.is_scalar() || node.text.empty()) {
    wrong_type(node, what, "a slice", diagnostics, "such as 2:4 or \":, 0:3\"");
    return std::nullopt;
  }
  auto slice = Slice::parse(node.text);
  if (slice) return *slice;
  add_parse_error(node, what, slice.error(), diagnostics);
  return std::nullopt;
}

}  // namespace loadproof::harness
