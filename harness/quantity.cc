#include "harness/quantity.h"

#include <fmt/format.h>

#include <charconv>

namespace loadproof::harness {
namespace {

struct Number {
  double value = 0;
  std::string_view rest;  // what stands behind it
};

// Nothing: it does not begin with a number.
std::optional<Number> number_in(std::string_view text) {
  Number number;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc()) return std::nullopt;
  number.rest = text.substr(static_cast<size_t>(end - text.data()));
  return number;
}

// With a unit: its number of them.
std::optional<double> in_units(std::string_view text,
                               std::span<const std::pair<std::string_view, double>> units) {
  std::optional<Number> number = number_in(text);
  if (!number) return std::nullopt;
  while (number->rest.starts_with(' ')) number->rest.remove_prefix(1);
  for (const auto& [name, factor] : units)
    if (number->rest == name) return number->value * factor;
  return std::nullopt;
}

std::string_view text_of(const Node& node) {
  return node.is_scalar() ? std::string_view(node.text) : std::string_view();
}

// "105% of VARIANT"
std::optional<Limit> share_in(std::string_view text) {
  constexpr std::string_view kOf = "% of ";
  const std::optional<Number> percent = number_in(text);
  if (!percent || percent->value <= 0 || percent->value > 1e6) return std::nullopt;
  if (!percent->rest.starts_with(kOf) || percent->rest == kOf) return std::nullopt;
  return Limit{.share = percent->value / 100,
               .variant = std::string(percent->rest.substr(kOf.size()))};
}

}  // namespace

std::optional<Limit> read_limit(const Node& node, std::string_view what,
                                Diagnostics& diagnostics) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"KiB", 1024.0}, {"MiB", 1024.0 * 1024}, {"GiB", 1024.0 * 1024 * 1024},
      {"TiB", 1024.0 * 1024 * 1024 * 1024}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
      {"B", 1.0}, {"", 1.0}};
  if (auto share = share_in(text_of(node))) return share;
  const auto bytes = in_units(text_of(node), kUnits);
  if (bytes && *bytes >= 0 && *bytes < 9e18)
    return Limit{.bytes = static_cast<int64_t>(*bytes), .variant = ""};
  diagnostics.add(node.where,
                  fmt::format("{} must be a number of bytes, not {}", what, describe(node)),
                  "such as 4096, 64 KiB, 1.5 GiB or 80 GB, or 105% of VARIANT");
  return std::nullopt;
}

std::optional<double> read_speed(const Node& node, std::string_view what,
                                 Diagnostics& diagnostics) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"B/s", 1.0}, {"KB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}, {"TB/s", 1e12}};
  const auto speed = in_units(text_of(node), kUnits);
  if (speed && *speed > 0 && *speed < 1e18) return speed;
  diagnostics.add(node.where,
                  fmt::format("{} must be bytes a second, not {}", what, describe(node)),
                  "such as 500 MB/s or 2.5 GB/s");
  return std::nullopt;
}

}  // namespace loadproof::harness
