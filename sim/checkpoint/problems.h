// Collects what is wrong with an input, so that a person sees all of it at once.
//
// The faults of one file or directory become one Error whose message has a line for each, in the
// order in which they were found.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::sim {

class Problems {
 public:
  void add(std::string_view message) {
    ++count_;
    if (count_ > kShownMax) return;
    if (!text_.empty()) text_ += '\n';
    text_ += message;
  }

  bool empty() const { return count_ == 0; }

  // REQUIRES: !empty(). Faults beyond the first 20 are only counted.
  tl::unexpected<Error> error() const {
    if (count_ <= kShownMax) return fail(text_);
    return fail(fmt::format("{}\n… and {} more", text_, count_ - kShownMax));
  }

 private:
  static constexpr int64_t kShownMax = 20;
  int64_t count_ = 0;
  std::string text_;
};

}  // namespace loadproof::sim
