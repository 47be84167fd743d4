#include "harness/substitute.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "harness/step_tree.h"
#include "sim/check.h"

namespace loadproof::harness {
namespace {

constexpr size_t kTextMax = 4096;

struct Reference {
  size_t begin = 0, end = 0;  // of "$p" or "${p}" in the text
  std::string name;
};

std::vector<Reference> references(std::string_view text) {
  std::vector<Reference> found;
  if (text.starts_with('$') && is_identifier(text.substr(1))) {
    found.push_back({0, text.size(), std::string(text.substr(1))});
    return found;
  }
  for (size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
    const size_t close = text.find('}', at);
    if (close == std::string_view::npos) break;
    const std::string_view name = text.substr(at + 2, close - at - 2);
    if (is_identifier(name)) found.push_back({at, close + 1, std::string(name)});
  }
  return found;
}

Node fill_in(const Node& scalar, const std::map<std::string, Node>& arguments,
             Diagnostics& diagnostics) {
  const std::vector<Reference> found = references(scalar.text);
  if (found.empty()) return scalar;
  if (found[0].begin == 0 && found[0].end == scalar.text.size()) return arguments.at(found[0].name);
  Node result = scalar;
  result.literal = false;
  result.text.clear();
  size_t copied = 0;
  for (const Reference& reference : found) {
    const Node& argument = arguments.at(reference.name);
    if (!argument.is_scalar())
      diagnostics.add(argument.where, fmt::format("{} goes into a text and must be a text, not {}",
                                                  reference.name, describe(argument)));
    result.text += scalar.text.substr(copied, reference.begin - copied) + argument.text;
    copied = reference.end;
  }
  result.text += scalar.text.substr(copied);
  if (result.text.size() > kTextMax) {
    diagnostics.add(scalar.where, "the text has more than 4096 characters with its arguments");
    result.text.clear();
  }
  return result;
}

}  // namespace

void for_each_reference(const Node& node,
                        const std::function<void(const std::string&, const Where&)>& visit) {
  for (const Reference& reference : references(node.text))
    visit(reference.name, inside(node, static_cast<int>(reference.begin) + 1));
  for (const Node& item : node.items) for_each_reference(item, visit);
  for (const Entry& entry : node.entries) for_each_reference(entry.value, visit);
}

Node substitute(const Node& node, const std::map<std::string, Node>& arguments,
                Diagnostics& diagnostics) {
  if (node.is_scalar()) return fill_in(node, arguments, diagnostics);
  Node result = node;
  result.items.clear();
  result.entries.clear();
  for (const Node& item : node.items)
    result.items.push_back(substitute(item, arguments, diagnostics));
  for (const Entry& entry : node.entries) {
    Entry copy{entry.key, entry.where, substitute(entry.value, arguments, diagnostics)};
    if (!copy.value.is_null() || entry.value.is_null()) result.entries.push_back(std::move(copy));
  }
  return result;
}

}  // namespace loadproof::harness
