// The command line that runs exactly one case again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/case.h"

namespace loadproof::harness {

// A word as a POSIX shell takes it: in single quotes where it must be.
std::string shell_word(std::string_view text);

// `overrides`: options of the command line, by which the case is not what its file says, one after
// the other, such as "--ranks", "4".
std::string replay_line(const Case& plan, const std::vector<std::string>& overrides);

}  // namespace loadproof::harness
