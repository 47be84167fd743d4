// The `tensors:` of a scenario: tensors that it adds to its model, or a model of its own.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/argument.h"
#include "harness/case.h"
#include "harness/yaml.h"

namespace loadproof::harness {

// Names may hold {0..7} and {a,b}, which stand for one tensor each. `tie` of a scenario without a
// model must be one of the names.
std::vector<ExtraTensor> parse_tensors(const Node& node, bool has_model, const Vocabulary& words,
                                       Diagnostics& diagnostics);

struct TensorKey {
  std::string_view key;
  std::string_view about;
};
std::span<const TensorKey> tensor_keys();
std::vector<std::string> tensor_kinds();
std::vector<std::string> tensor_inits();

}  // namespace loadproof::harness
