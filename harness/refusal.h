// The map `refuse`: which step has bad input, who must raise there, and what the text must name.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "harness/argument.h"
#include "harness/case.h"

namespace loadproof::harness {

inline constexpr std::string_view kRefuse = "refuse";

// Nothing of a node that says nothing. A key without a value is as if it were left out.
std::optional<Refusal> parse_refusal(const Node& node, const Vocabulary& words,
                                     Diagnostics& diagnostics);

struct RefusalKey {
  std::string_view key;
  std::string_view about;
};
std::span<const RefusalKey> refusal_keys();

}  // namespace loadproof::harness
