// Names with * and ?, as a shell has them.
//
// A pure function, for all of the project.
#pragma once

#include <string_view>

namespace loadproof {

// * is any run of characters, ? one.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace loadproof
