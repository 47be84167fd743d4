// Numbers with units, as settings have them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "harness/case.h"
#include "harness/yaml.h"

namespace loadproof::harness {

// Bytes: 4096, 64 KiB, 1.5 GiB, in powers of ten 80 GB; or a share of what another variant holds:
// 105% of VARIANT. Nothing after what is wrong has been told.
std::optional<Limit> read_limit(const Node& node, std::string_view what, Diagnostics& diagnostics);

// Bytes a second: 2.5 GB/s, in powers of ten, as vendors count.
std::optional<double> read_speed(const Node& node, std::string_view what, Diagnostics& diagnostics);

}  // namespace loadproof::harness
