#include "harness/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <sstream>
#include <utility>

#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// https://yaml.org/type/bool.html, but for y and n, which parsers take as text.
bool is_boolean(std::string_view text) {
  static constexpr std::string_view kWords[] = {"yes", "no", "on", "off", "true", "false"};
  return std::find(std::begin(kWords), std::end(kWords), lower(text)) != std::end(kWords);
}

bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const std::string& file, Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(diagnostics) {
    line_starts_.push_back(0);
    for (size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') line_starts_.push_back(i + 1);
  }

  int documents() const { return documents_; }
  std::optional<Node> take_root() { return std::move(root_); }
  Where where(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    const bool begun = offset(mark) < text_.size() && text_.substr(offset(mark)).starts_with("---");
    diagnostics_.add(where(mark), begun ? "a second document in one file"
                                        : "text after the end of the file's one map");
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    diagnostics_.add(where(mark), fmt::format("anchors are not allowed: &{}", name),
                     "write the text again, or use a recipe");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.add(where(mark), "aliases are not allowed",
                     "write the text again, or use a recipe");
    deliver(leaf(mark));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { deliver(leaf(mark)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    Node node = leaf(mark);
    node.kind = Node::Kind::kScalar;
    node.text = value;
    node.quoted = tag == "!";
    refuse_tag(mark, tag);
    const size_t at = offset(mark) + (node.quoted ? 1 : 0);
    node.literal = at <= text_.size() && text_.substr(at).starts_with(value) &&
                   value.find('\n') == std::string::npos;
    deliver(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    std::optional<Entry> pending;  // a key that waits for its value
    std::set<std::string> keys = {};
  };

  Node leaf(const YAML::Mark& mark) const {
    Node node;
    node.where = where(mark);
    return node;
  }

  size_t offset(const YAML::Mark& mark) const {
    const auto line = static_cast<size_t>(std::max(mark.line, 0));
    if (line >= line_starts_.size()) return text_.size();
    return line_starts_[line] + static_cast<size_t>(std::max(mark.column, 0));
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    diagnostics_.add(where(mark), fmt::format("tags are not allowed: {}", in_quotes(tag)));
  }

  // Beyond the greatest depth nothing is recorded; the depth is counted all the same.
  void open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    refuse_tag(mark, tag);
    if (++depth_ > kYamlDepthMax) {
      if (depth_ == kYamlDepthMax + 1)
        diagnostics_.add(where(mark), fmt::format("nested more than {} deep", kYamlDepthMax));
      return;
    }
    Frame frame{leaf(mark), std::nullopt};
    frame.node.kind = kind;
    stack_.push_back(std::move(frame));
  }

  void close() {
    if (depth_-- > kYamlDepthMax) return;
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    deliver(std::move(node));
  }

  void deliver(Node node) {
    if (depth_ > kYamlDepthMax) return;
    if (stack_.empty()) {
      if (documents_ == 1) root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.is_list()) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.pending) {
      frame.pending = key(frame, node);
    } else {
      if (node.is_null()) node.where = frame.pending->where;
      frame.pending->value = std::move(node);
      if (!frame.pending->key.empty()) frame.node.entries.push_back(std::move(*frame.pending));
      frame.pending.reset();
    }
  }

  // An entry without a key is dropped: what is wrong with it has been said.
  Entry key(Frame& frame, const Node& node) {
    Entry entry;
    entry.where = node.where;
    if (!node.is_scalar() || node.text.empty()) {
      diagnostics_.add(node.where, fmt::format("a key must be text, not {}", describe(node)));
    } else if (!node.quoted && is_boolean(node.text)) {
      diagnostics_.add(node.where,
                       fmt::format("the key {} is a boolean in YAML 1.1", in_quotes(node.text)),
                       "put it in quotes, or choose another name");
    } else if (!node.quoted && is_number(node.text)) {
      diagnostics_.add(node.where, fmt::format("the key {} is a number", in_quotes(node.text)),
                       "put it in quotes");
    } else if (!frame.keys.insert(node.text).second) {
      diagnostics_.add(node.where, fmt::format("duplicate key {}", in_quotes(node.text)));
    } else {
      entry.key = node.text;
    }
    return entry;
  }

  std::string_view text_;
  const std::string& file_;
  Diagnostics& diagnostics_;
  std::vector<size_t> line_starts_;
  std::vector<Frame> stack_;
  std::optional<Node> root_;
  int depth_ = 0;
  int documents_ = 0;
};

}  // namespace

const Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

std::optional<Node> parse_yaml(std::string_view text, const std::string& file,
                               Diagnostics& diagnostics) {
  if (text.size() > kYamlBytesMax) {
    diagnostics.add({file, 1, 1}, "the file has more than 1 MiB");
    return std::nullopt;
  }
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    const auto before = text.substr(0, nul);
    const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
    diagnostics.add({file, line, 1}, "the file contains a zero byte: it is no text");
    return std::nullopt;
  }
  TreeBuilder builder(text, file, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // At a stray comma yaml-cpp gives documents without end, so there is no third one.
    while (parser.HandleNextDocument(builder) && builder.documents() < 2) continue;
  } catch (const YAML::Exception& error) {
    const bool known = !error.mark.is_null();
    diagnostics.add(known ? builder.where(error.mark) : Where{file, 1, 1},
                    fmt::format("this is no YAML: {}", error.msg));
    return std::nullopt;
  }
  std::optional<Node> root = builder.take_root();
  if (!root || root->is_null()) {
    diagnostics.add({file, 1, 1}, "the file is empty");
    return std::nullopt;
  }
  return root;
}

Node scalar_node(std::string text, Where where) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = std::move(text);
  node.where = std::move(where);
  return node;
}

Where inside(const Node& scalar, int column) {
  Where where = scalar.where;
  if (scalar.literal) where.column += column - 1 + (scalar.quoted ? 1 : 0);
  return where;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return in_quotes(node.text);
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return {};
}

std::string short_text(const Node& node) {
  if (!node.is_list()) return node.text;
  std::string text;
  for (const Node& item : node.items) text += (text.empty() ? "" : "+") + short_text(item);
  return text;
}

}  // namespace loadproof::harness
