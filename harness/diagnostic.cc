#include "harness/diagnostic.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr size_t kListedMax = 32;  // known names that a hint lists where none is near

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Spaces as wide as the line up to the column: tabs stay tabs, a UTF-8 sequence is one wide.
std::string indent_to(std::string_view line, int column) {
  std::string indent;
  for (size_t i = 0; i + 1 < static_cast<size_t>(column) && i < line.size(); ++i) {
    const bool continuation = (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80;
    if (!continuation) indent += line[i] == '\t' ? '\t' : ' ';
  }
  return indent;
}

}  // namespace

void Diagnostics::add(Where where, std::string message, std::string hint) {
  list_.push_back({std::move(where), std::move(message), std::move(hint)});
}

void Diagnostics::add_unknown(Where where, std::string_view what, std::string_view name,
                              std::span<const std::string> known) {
  add(std::move(where), fmt::format("unknown {} {}", what, in_quotes(name)),
      nearest_hint(name, known));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> list = list_;
  auto key = [](const Diagnostic& d) {
    return std::tie(d.where.file, d.where.line, d.where.column, d.message, d.hint);
  };
  std::sort(list.begin(), list.end(),
            [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

std::string nearest_hint(std::string_view wanted, std::span<const std::string> known) {
  const std::vector<std::string> near = nearest_names(wanted, known);
  if (near.size() == 1) return fmt::format("did you mean \"{}\"?", near[0]);
  if (near.size() == 2) return fmt::format("did you mean \"{}\" or \"{}\"?", near[0], near[1]);
  if (near.size() > 2)
    return fmt::format("did you mean \"{}\", \"{}\" or \"{}\"?", near[0], near[1], near[2]);
  if (known.empty() || known.size() > kListedMax) return {};
  return fmt::format("one of: {}", fmt::join(known, ", "));
}

std::string print(const Diagnostic& diagnostic, const Sources& sources) {
  const Where& where = diagnostic.where;
  if (where.line == 0) {
    std::string text = fmt::format("{}: error: {}\n", where.file, diagnostic.message);
    return diagnostic.hint.empty() ? text : text + fmt::format("  = {}\n", diagnostic.hint);
  }
  std::string text = fmt::format("{}:{}:{}: error: {}\n", where.file, where.line, where.column,
                                 diagnostic.message);
  const auto source = sources.find(where.file);
  if (source != sources.end()) {
    const std::string_view line = line_of(source->second, where.line);
    text +=
        fmt::format("{:5} | {}\n      | {}^\n", where.line, line, indent_to(line, where.column));
  }
  if (!diagnostic.hint.empty()) text += fmt::format("      = {}\n", diagnostic.hint);
  return text;
}

std::string print(std::span<const Diagnostic> diagnostics, const Sources& sources) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) text += print(diagnostic, sources);
  return text;
}

}  // namespace loadproof::harness
