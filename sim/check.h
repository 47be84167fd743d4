// SIM_CHECK(condition, format, ...): an invariant of our own code. It is on in every build; when it
// fails the program says what broke, where, and aborts. Never for bad input, nor for what a
// simulated rank does wrong.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace loadproof {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition,
                                      const std::string& detail) {
  fmt::print(stderr, "loadproof: internal error at {}:{}: {} does not hold: {}\n", file, line,
             condition, detail);
  std::abort();
}

}  // namespace loadproof

#define SIM_CHECK(condition, ...)                                                              \
  do {                                                                                         \
    if (!(condition)) [[unlikely]]                                                             \
      ::loadproof::check_failed(__FILE__, __LINE__, #condition, fmt::format(__VA_ARGS__)); \
  } while (false)
