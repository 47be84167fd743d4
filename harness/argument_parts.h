// What argument.cc reads values with: plain numbers and words, and how a wrong one is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/yaml.h"
#include "sim/result.h"

namespace loadproof::harness {

void wrong_type(const Node& node, std::string_view what, std::string_view wanted,
                Diagnostics& diagnostics, std::string hint = {});
// "column 4: …" of the parsers of sim/ → the place in the file and the rest.
void add_parse_error(const Node& node, std::string_view what, const Error& error,
                     Diagnostics& diagnostics);

// Nothing after a diagnostic.
std::optional<bool> read_bool(const Node& node, std::string_view what, Diagnostics& diagnostics);
std::optional<double> read_seconds(const Node& node, std::string_view what,
                                   Diagnostics& diagnostics);
std::optional<std::vector<int64_t>> read_ints(const Node& node, std::string_view what,
                                              Diagnostics& diagnostics);

}  // namespace loadproof::harness
