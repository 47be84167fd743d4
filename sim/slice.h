// A part of a tensor, as torch's indexing writes it: "2:4", ":, 0:3", "-1", "::2".
//
// Entries go over the first dimensions; what is not named is taken whole. A number alone takes one
// and drops the dimension; negative ones count from the end; ends beyond the tensor are cut off, as
// in Python. Steps are positive. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/layout.h"
#include "sim/result.h"

namespace loadproof {

class Slice {
 public:
  // An error tells the column (from 1) in the text: "column 4: …".
  static Result<Slice> parse(std::string_view text);
  const std::string& text() const { return text_; }
  // Of the part in the tensor. An error: the tensor has fewer dimensions, or no such index.
  Result<Layout> layout(const std::vector<int64_t>& shape) const;
  bool operator==(const Slice& other) const { return text_ == other.text_; }

  // What one entry takes of its dimension.
  struct Range {
    std::optional<int64_t> begin, end;
    int64_t step = 1;
    bool is_index = false;  // `begin` alone
  };
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::string text_;
  std::vector<Range> ranges_;
};

}  // namespace loadproof
