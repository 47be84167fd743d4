// A described model with the tensors that its checkpoint and its config give, for tests.
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/models/forward.h"

namespace loadproof::sim {

struct Loaded {
  Model model;
  std::vector<at::Tensor> tensors;

  int index(std::string_view name) const;
  at::Tensor& operator[](std::string_view name);
};

// Of scenarios/models/`name`, all tensors in the dtype, or in the config's. Aborts the test program
// where that cannot be.
Loaded load(const std::string& name, std::optional<DType> dtype = std::nullopt);

nlohmann::json read_json(const std::string& path);
nlohmann::json golden(const std::string& name);  // of tests/golden

at::Tensor ids_of(const std::vector<std::vector<int64_t>>& rows);

// The greedy continuation by argmax of each last position, with or without a cache.
std::vector<std::vector<int64_t>> greedy(const Loaded& loaded, const at::Tensor& ids,
                                         std::optional<at::Tensor> mask, int64_t tokens,
                                         bool use_cache, AttentionKind attention);

}  // namespace loadproof::sim
