// Whether a person watches standard output: progress and colours are for them alone.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace loadproof::harness {

inline bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && !(term && std::string_view(term) == "dumb");
}

inline bool wants_colour() {
  const char* unwanted = std::getenv("NO_COLOR");
  return is_terminal() && !(unwanted && *unwanted);
}

}  // namespace loadproof::harness
