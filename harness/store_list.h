// The `stores:` of a scenario: folders of files that are there before its world begins.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/case.h"
#include "harness/yaml.h"

namespace loadproof::harness {

// `tensors` are those that stores may hold. With any of them the store `file` is there even where
// the scenario does not declare it, unless a model is.
std::vector<StoreSpec> parse_stores(const Node* node, const std::vector<ExtraTensor>& tensors,
                                    bool has_model, Diagnostics& diagnostics);

struct StoreKey {
  std::string_view key;
  std::string_view about;
};
std::span<const StoreKey> store_keys();
std::vector<std::string> store_copies();  // the words of `per`

}  // namespace loadproof::harness
