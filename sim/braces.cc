#include "sim/braces.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

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
    const auto found = std::ranges::find(variables, inner, &Variables::value_type::first);
    if (found == variables.end()) {
      std::string known;
      for (const auto& variable : variables) known += fmt::format(" {{{}}}", variable.first);
      return fail(fmt::format("'{}': there is no {{{}}}; there are{}", text, inner, known));
    }
    filled += found->second;
  }
  return filled;
}

}  // namespace loadproof
