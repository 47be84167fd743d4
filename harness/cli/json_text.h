// JSON as text, for commands that print little of it. Reports are written by reporters/json.cc.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

namespace loadproof::harness {

// REQUIRES: UTF-8.
inline std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

// JSON has neither NaN nor inf: they are null. Nine digits give a float back exactly.
inline std::string json_number(float value) {
  return std::isfinite(value) ? fmt::format("{:.9g}", value) : "null";
}

}  // namespace loadproof::harness
