// How long benchmarks may take, from LOADPROOF_BENCH_FORM: `instant` for ctest, which only wants to
// know that they run; `short`, also if it is not set, for ci/bench; `long` for everything.
#pragma once

#include <cstdlib>
#include <string_view>

namespace loadproof::bench {

enum class Form { kInstant, kShort, kLong };

inline Form form() {
  const char* const set = std::getenv("LOADPROOF_BENCH_FORM");
  const std::string_view name = set ? set : "short";
  return name == "instant" ? Form::kInstant : name == "long" ? Form::kLong : Form::kShort;
}

template <typename T>
T by_form(T instant, T brief, T extensive) {
  return form() == Form::kInstant ? instant : form() == Form::kShort ? brief : extensive;
}

}  // namespace loadproof::bench
