#include "sim/braces.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace loadproof {
namespace {

std::vector<std::string> alternatives(std::string_view inner, size_t most) {
  std::vector<std::string> list;
  const size_t dots = inner.find("..");
  if (dots != std::string_view::npos) {
    int low = 0, high = -1;
    const char* end = inner.data() + inner.size();
    const auto first = std::from_chars(inner.data(), inner.data() + dots, low);
    const auto second = std::from_chars(inner.data() + dots + 2, end, high);
    if (first.ptr != inner.data() + dots || second.ptr != end || low < 0 || high < low ||
        high - low >= static_cast<int>(most))
      return {};
    for (int i = low; i <= high; ++i) list.push_back(std::to_string(i));
    return list;
  }
  for (size_t begin = 0; begin <= inner.size();) {
    const size_t end = std::min(inner.find(',', begin), inner.size());
    list.emplace_back(inner.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

std::string replaced(std::string text, std::string_view old, std::string_view with) {
  for (size_t at = text.find(old); at != text.npos; at = text.find(old, at + with.size()))
    text.replace(at, old.size(), with);
  return text;
}

// What the rules after a variable's name, "/OLD/NEW…", make of its value. Nothing: they are no
// pairs.
std::optional<std::string> renamed(std::string value, std::string_view rules) {
  while (!rules.empty()) {
    rules.remove_prefix(1);
    const size_t middle = rules.find('/');
    if (middle == 0 || middle == rules.npos) return std::nullopt;
    const std::string_view old = rules.substr(0, middle);
    rules.remove_prefix(middle + 1);
    const std::string_view with = rules.substr(0, rules.find('/'));
    value = replaced(std::move(value), old, with);
    rules.remove_prefix(with.size());
  }
  return value;
}

}  // namespace

std::vector<std::string> expand_braces(std::string_view text, size_t most) {
  std::vector<std::string> names{""};
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('{', at), text.size());
    for (std::string& name : names) name += text.substr(at, open - at);
    if (open == text.size()) return names;
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos) return {};
    const auto inner = alternatives(text.substr(open + 1, close - open - 1), most);
    if (inner.empty() || names.size() * inner.size() > most) return {};
    std::vector<std::string> longer;
    for (const std::string& name : names)
      for (const std::string& part : inner) longer.push_back(name + part);
    names = std::move(longer);
    at = close + 1;
  }
  return names;
}

Result<std::string> fill_in(std::string_view text, const Variables& variables) {
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('{', at), text.size());
    filled += text.substr(at, open - at);
    if (open == text.size()) break;
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos)
      return fail(fmt::format("'{}' has a {{ without a }}", text));
    const std::string_view inner = text.substr(open + 1, close - open - 1);
    at = close + 1;
    if (inner.find("..") != inner.npos || inner.find(',') != inner.npos) {
      filled += text.substr(open, at - open);
      continue;
    }
    const std::string_view called = inner.substr(0, inner.find('/'));
    const auto found = std::ranges::find(variables, called, &Variables::value_type::first);
    if (found == variables.end()) {
      std::string known;
      for (const auto& variable : variables) known += fmt::format(" {{{}}}", variable.first);
      return fail(fmt::format("'{}': there is no {{{}}}; there are{}", text, called, known));
    }
    const auto value = renamed(found->second, inner.substr(called.size()));
    if (!value)
      return fail(fmt::format("'{}': {{{}}} is not {{{}/OLD/NEW}}", text, inner, called));
    filled += *value;
  }
  return filled;
}

}  // namespace loadproof
