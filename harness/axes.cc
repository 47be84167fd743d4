#include "harness/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

// A label stands in case ids and in --only: no spaces, commas or slashes.
std::string label_of(const std::string& axis, const Node& value) {
  std::string text = short_text(value);
  if (axis == "model") {
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    text = text.substr(text.rfind('/') + 1);
  }
  std::string label;
  for (char c : text) {
    if (c == ' ') continue;
    label += c == '/' || c == ',' || static_cast<unsigned char>(c) < ' ' ? '_' : c;
  }
  return label;
}

Option field_option(const std::string& axis, const Where& where, const Node& value,
                    Diagnostics& diagnostics) {
  Option option;
  option.label = label_of(axis, value);
  option.text = short_text(value);
  option.where = value.where;
  if (value.is_map() || value.is_null() || option.label.empty()) {
    diagnostics.add(value.where, fmt::format("a value of {} cannot be {}", axis, describe(value)));
    return option;
  }
  const size_t before = diagnostics.size();
  Operation operation = parse_set(axis, where, value, diagnostics);
  if (diagnostics.size() == before) option.patch.operations.push_back(std::move(operation));
  return option;
}

Option patch_option(const Entry& entry, std::string_view what, Diagnostics& diagnostics) {
  Option option;
  option.label = label_of("", scalar_node(entry.key, entry.where));
  option.text = entry.key;
  option.where = entry.where;
  option.patch = parse_patch(entry.value, fmt::format("{} {}", what, entry.key), diagnostics);
  return option;
}

void check_labels(const Axis& axis, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  for (const Option& option : axis.options)
    if (!seen.insert(option.label).second)
      diagnostics.add(option.where, fmt::format("two values of {} are called {}", axis.name,
                                                in_quotes(option.label)));
}

}  // namespace

Axis parse_variants(const Node& node, const Where& where, Diagnostics& diagnostics) {
  Axis axis{std::string(kVariantAxis), where, {}};
  if (!expect_map(node, "variants", diagnostics)) return axis;
  if (node.entries.empty()) diagnostics.add(node.where, "variants has no variant");
  for (const Entry& entry : node.entries)
    axis.options.push_back(patch_option(entry, "variant", diagnostics));
  check_labels(axis, diagnostics);
  return axis;
}

Axis all_fills(const Where& where) {
  Axis axis{"fill", where, {}};
  Diagnostics none;
  for (const std::string& fill : fill_names())
    axis.options.push_back(field_option("fill", where, scalar_node(fill, where), none));
  return axis;
}

std::vector<Axis> parse_sweep(const Node& node, Diagnostics& diagnostics) {
  std::vector<Axis> axes;
  if (!expect_map(node, "sweep", diagnostics)) return axes;
  for (const Entry& entry : node.entries) {
    Axis axis{entry.key, entry.where, {}};
    const Node& values = entry.value;
    const bool empty = values.items.empty() && values.entries.empty();
    if (entry.key == "fill" && values.is_scalar() && values.text == "all") {
      axis = all_fills(entry.where);
    } else if (entry.key == kVariantAxis) {
      diagnostics.add(entry.where, "the axis \"variant\" is what `variants` makes");
    } else if (empty || values.is_scalar()) {
      diagnostics.add(values.where, fmt::format("the axis {} needs a list of values, or a map of "
                                                "patches, not {}",
                                                in_quotes(entry.key),
                                                values.is_scalar() ? describe(values) : "nothing"));
    } else if (values.is_list()) {
      for (const Node& value : values.items)
        axis.options.push_back(field_option(entry.key, entry.where, value, diagnostics));
    } else {
      if (!is_identifier(entry.key))
        diagnostics.add(entry.where, fmt::format("{} is no name of an axis", in_quotes(entry.key)),
                        "an axis of patches has a name of letters, digits, _ and -");
      for (const Entry& option : values.entries)
        axis.options.push_back(patch_option(option, "option", diagnostics));
    }
    check_labels(axis, diagnostics);
    if (!axis.options.empty()) axes.push_back(std::move(axis));
  }
  return axes;
}

void for_each_choice(const std::vector<Axis>& axes,
                     const std::function<bool(const std::vector<size_t>&)>& visit) {
  std::vector<size_t> choice(axes.size(), 0);
  while (visit(choice)) {
    size_t axis = axes.size();
    while (axis > 0 && choice[axis - 1] + 1 == axes[axis - 1].options.size()) choice[--axis] = 0;
    if (axis == 0) return;
    ++choice[axis - 1];
  }
}

size_t case_count(const std::vector<Axis>& axes) {
  size_t count = 1;
  for (const Axis& axis : axes) {
    count *= axis.options.size();
    if (count > kCasesMax) return kCasesMax + 1;
  }
  return count;
}

std::vector<std::pair<std::string, std::string>> labels_of(const std::vector<Axis>& axes,
                                                           const std::vector<size_t>& choice) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (size_t i = 0; i < axes.size(); ++i)
    labels.emplace_back(axes[i].name, axes[i].options[choice[i]].label);
  return labels;
}

}  // namespace loadproof::harness
