// The one place where what c10d and Gloo throw becomes an Error. For .cc files only.
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::sim {

// Calls work(); an exception becomes an Error with the first line of its text.
template <typename Work>
Result<void> caught(Work work) {
  const auto first_line = [](std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
  };
  try {
    work();
    return {};
  } catch (const c10::Error& error) {
    return fail(first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    return fail(first_line(error.what()));
  }
}

}  // namespace loadproof::sim
