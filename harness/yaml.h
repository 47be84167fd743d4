// YAML as a plain tree: the subset of it that scenarios are written in, with the place of
// everything.
//
// Refused with a diagnostic: anchors, aliases, tags, several documents, keys that are no text (such
// as the YAML 1.1 booleans on, off, yes, no), duplicate keys, depth over 64, more than 1 MiB.
// The tree is a value; yaml.cc is the only file that includes yaml-cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diagnostic.h"

namespace loadproof::harness {

struct Entry;

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;  // of a scalar
  bool quoted = false;
  bool literal = false;  // the scalar stands in the source as it is, on one line
  Where where;
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order of the file

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  // The entry of a map; nullptr: it has none, or this is no map.
  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Where where;
  Node value;
};

inline constexpr int kYamlDepthMax = 64;
inline constexpr size_t kYamlBytesMax = 1 << 20;

// The one document of `text`; nothing if there are syntax errors. All errors go to `diagnostics`.
std::optional<Node> parse_yaml(std::string_view text, const std::string& file,
                               Diagnostics& diagnostics);

// A scalar that stands in no file, such as a default or an option of the command line.
Node scalar_node(std::string text, Where where);

// The place of the column-th character (from 1) of a scalar's text, where it can be told.
Where inside(const Node& scalar, int column);

// For messages: "a map", "a list", "nothing", or the text in quotes.
std::string describe(const Node& node);

// The scalar, or the scalars of a list, or of a nested one, joined by "+": an option's short name.
std::string short_text(const Node& node);

}  // namespace loadproof::harness
