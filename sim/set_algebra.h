// The grammar that rank sets and selectors share: `!x`, `x & y`, `x | y`, `(x)` over leaves of
// their own. `!` binds closest, then `&`, then `|`.
//
// A parser derives from SetAlgebra and reads one leaf; the base builds the tree in nodes_, children
// before parents. Node needs op (with kNot, kAnd, kOr), left and right. One parser reads one text.
#pragma once

#include <fmt/format.h>

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/result.h"

namespace loadproof {

template <typename Node>
class SetAlgebra {
 public:
  explicit SetAlgebra(std::string_view text) : text_(text) {}
  virtual ~SetAlgebra() = default;
  SetAlgebra(const SetAlgebra&) = delete;
  SetAlgebra& operator=(const SetAlgebra&) = delete;

  // The index of the root of the whole text. An error begins with "column N: ", N from 1.
  Result<int> whole() {
    if (text_.size() > kTextMax) return fail("column 1: more than 4096 characters");
    auto root = any_of();
    if (!root) return root;
    if (!at_end()) return unexpected("`&`, `|` or the end");
    return root;
  }
  std::vector<Node> take_nodes() { return std::move(nodes_); }

 protected:
  // One leaf, beginning at a character that is no space, `!` or `(`.
  virtual Result<int> leaf() = 0;

  bool at_end() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ == text_.size();
  }
  char peek() { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view symbol) {
    if (at_end() || !text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  int column() const { return static_cast<int>(at_) + 1; }
  int add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }
  static tl::unexpected<Error> fail_at(int column, std::string_view message) {
    return fail(fmt::format("column {}: {}", column, message));
  }
  tl::unexpected<Error> unexpected(std::string_view wanted) {
    if (at_end()) return fail_at(column(), fmt::format("expected {}, the text ends here", wanted));
    return fail_at(column(), fmt::format("expected {} before `{}`", wanted, text_.substr(at_)));
  }
  // Decimal digits, at most `most`.
  Result<int> number(int most) {
    if (!std::isdigit(static_cast<unsigned char>(peek()))) return unexpected("a number");
    const int begin = column();
    int64_t value = 0;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_) {
      value = value * 10 + (text_[at_] - '0');
      if (value > most) return fail_at(begin, fmt::format("the number is greater than {}", most));
    }
    return static_cast<int>(value);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Node> nodes_;

 private:
  static constexpr size_t kTextMax = 4096;
  static constexpr int kDepthMax = 64;

  Result<int> any_of() {
    auto left = all_of();
    while (left && take("|")) {
      auto right = all_of();
      if (!right) return right;
      left = join(decltype(Node::op)::kOr, *left, *right);
    }
    return left;
  }
  Result<int> all_of() {
    auto left = one();
    while (left && take("&")) {
      auto right = one();
      if (!right) return right;
      left = join(decltype(Node::op)::kAnd, *left, *right);
    }
    return left;
  }
  Result<int> one() {
    if (depth_ == kDepthMax) return fail_at(column(), "nested more than 64 deep");
    if (take("!")) {
      ++depth_;
      auto inner = one();
      --depth_;
      return inner ? Result<int>(join(decltype(Node::op)::kNot, *inner, -1)) : inner;
    }
    const bool group = peek() == '(';
    if (!group && (at_end() || std::string_view("|&)").find(peek()) != std::string_view::npos))
      return unexpected("a term");
    return group ? in_parentheses() : leaf();
  }
  int join(decltype(Node::op) op, int left, int right) {
    Node node;
    node.op = op;
    node.left = left;
    node.right = right;
    return add(std::move(node));
  }

 protected:
  // REQUIRES: peek() == '('.
  Result<int> in_parentheses() {
    take("(");
    ++depth_;
    auto inner = any_of();
    --depth_;
    if (inner && !take(")")) return unexpected("`)`");
    return inner ? after_group(*inner) : inner;
  }
  // What may follow a closing parenthesis, such as a slice.
  virtual Result<int> after_group(int group) { return group; }

 private:
  int depth_ = 0;
};

}  // namespace loadproof
