// JSON as a checkpoint's files may have it, read more strictly than JSON libraries do by default.
//
// Refused beyond what is not JSON: a key that stands twice in one object (unless the limits say
// which one counts), NUL bytes (which the library takes for the end of the text), nesting beyond a
// limit, arrays beyond a limit. Text must be UTF-8. Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "sim/checkpoint/reading.h"
#include "sim/result.h"

namespace loadproof::sim {

struct JsonLimits {
  size_t depth_max = 32;
  size_t array_length_max = 1'000'000;
  Twice twice = Twice::kRefuse;
};

// Where and why a text was refused. `byte` counts from 0; it is the text's length where more text
// was expected, and -1 where no single place is at fault.
struct JsonFault {
  int64_t byte = -1;
  std::string reason;
};

tl::expected<nlohmann::json, JsonFault> parse_strict_json(std::string_view text, JsonLimits limits);

// The same for a text file, with messages that begin with "file_name:line:column: ".
Result<nlohmann::json> parse_json_file(std::string_view text, std::string_view file_name,
                                       JsonLimits limits = {});

// "an object", "a string", "a whole number", …: what a message says a value is.
std::string_view json_kind(const nlohmann::json& value);

}  // namespace loadproof::sim
