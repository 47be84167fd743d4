// Texts that stand for several: w.{0..7} and w.{a,b}, and texts with variables: experts.{rank}.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/result.h"

namespace loadproof {

// Each text that one with {0..7} or {a,b} stands for, the first braces varying slowest. Nothing:
// it is malformed, or stands for more than `most`.
std::vector<std::string> expand_braces(std::string_view text, size_t most);

using Variables = std::vector<std::pair<std::string_view, std::string>>;

// The text with each {variable} replaced, and in {variable/OLD/NEW} each OLD within it by NEW, or
// by nothing; further /OLD/NEW may follow. Braces that hold .. or a comma are left as they are. An
// error names a variable that there is not, and those that there are.
Result<std::string> fill_in(std::string_view text, const Variables& variables);

}  // namespace loadproof
