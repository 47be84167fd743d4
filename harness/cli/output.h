// Printing of commands: to standard output and standard error, harmless when nobody reads them.
//
// fmt::print would throw when a write fails; a stream remembers it and goes on.
#pragma once

#include <fmt/format.h>

#include <iostream>
#include <utility>

namespace loadproof::harness {

template <typename... T>
void print_out(fmt::format_string<T...> text, T&&... values) {
  std::cout << fmt::format(text, std::forward<T>(values)...);
}

template <typename... T>
void print_error(fmt::format_string<T...> text, T&&... values) {
  std::cout.flush();
  std::cerr << fmt::format(text, std::forward<T>(values)...);
}

}  // namespace loadproof::harness
