// Many names of one pattern as one: layers.{0..125}.gate.weight stands for 126.
//
// A pure function. Numbers are folded from the last to the first, so that
// layers.{0..3}.experts.{0..7} stands for all 32, and one that is not among them keeps a line of
// its own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace loadproof::harness {

struct NameToFold {
  std::string name;
  size_t kind = 0;  // only names of one kind are folded
};

struct FoldedName {
  std::string name;  // w, w.{0..14}, w.{0, 2, 4}, w.{0, 2, 4 and 9 more}
  size_t kind = 0;
  size_t count = 0;  // of the names that it stands for
  bool operator==(const FoldedName&) const = default;
};

// In the order of the first name of each.
std::vector<FoldedName> fold_names(const std::vector<NameToFold>& names);

}  // namespace loadproof::harness
