// Whether a text is well-formed XML, as far as our own documents go: tags that are closed in turn,
// attributes in double quotes, nothing that is not escaped.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace loadproof::harness::testing {

class WellFormed {
 public:
  // "" where it is; else what is wrong, with what stands there.
  static std::string check(std::string_view text) { return WellFormed(text).document(); }

 private:
  explicit WellFormed(std::string_view text) : rest_(text) {}
  std::string_view rest_;
  std::vector<std::string> open_;
  int roots_ = 0;

  std::string wrong(std::string_view what) const {
    return std::string(what) + ": " + std::string(rest_.substr(0, 60));
  }

  std::string document() {
    while (!rest_.empty()) {
      const std::string found = rest_[0] == '<' ? tag() : content();
      if (!found.empty()) return found;
    }
    if (!open_.empty()) return wrong("<" + open_.back() + "> is not closed");
    return roots_ == 1 ? "" : wrong("there is not one root");
  }

  std::string content() {
    if (open_.empty() && rest_[0] != '\n') return wrong("text outside of the root");
    return escaped(rest_.substr(0, rest_.find('<')));
  }

  // Takes it off.
  std::string escaped(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c < 0x20 && c != '\n' && c != '\t') return wrong("a control character");
      if (c == '<' || c == '>') return wrong("< or > is not escaped");
      if (c != '&') continue;
      const size_t end = text.find(';', i);
      const std::string_view name = text.substr(i + 1, end - i - 1);
      if (end == text.npos || (name != "amp" && name != "lt" && name != "gt" && name != "quot" &&
                               !name.starts_with('#')))
        return wrong("& is not escaped");
    }
    rest_.remove_prefix(text.size());
    return "";
  }

  std::string word() {
    size_t end = 0;
    while (end < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[end])) != 0 || rest_[end] == '-'))
      ++end;
    std::string found(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return found;
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::string tag() {
    take("<");
    const bool closes = take("/");
    const std::string name = word();
    if (name.empty()) return wrong("a tag without a name");
    if (closes) {
      if (open_.empty() || open_.back() != name || !take(">")) return wrong("not what is open");
      open_.pop_back();
      return "";
    }
    if (open_.empty()) ++roots_;
    while (take(" ") || take("\n"))
      if (const std::string found = attribute(); !found.empty()) return found;
    if (take("/>")) return "";
    if (!take(">")) return wrong("the tag does not end");
    open_.push_back(name);
    return "";
  }

  std::string attribute() {
    if (word().empty() || !take("=\"")) return wrong("no attribute");
    const size_t end = rest_.find('"');
    if (end == rest_.npos) return wrong("the attribute does not end");
    const std::string found = escaped(rest_.substr(0, end));
    return found.empty() && !take("\"") ? wrong("no quote") : found;
  }
};

}  // namespace loadproof::harness::testing
