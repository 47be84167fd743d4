// What `loadproof forward` and `loadproof inspect` show, as plain values without a torch type.
//
// Both read a model directory whole and are free functions without state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/dtype.h"
#include "sim/result.h"
#include "sim/tensor_spec.h"

namespace loadproof::sim {

struct ForwardQuery {
  std::string model;               // directory
  std::optional<DType> dtype;      // nothing: the config's own
  std::vector<int64_t> prompt;
  int64_t tokens = 0;              // to append greedily
  std::string attention = "sdpa";  // or eager
};

struct ForwardResult {
  std::vector<std::vector<float>> logits;  // [position of the prompt][vocabulary]
  std::vector<int64_t> greedy;
};

// An error: bad directory, tensors that the checkpoint lacks or has in another shape, tokens out of
// the vocabulary.
Result<ForwardResult> forward_model(const ForwardQuery& query);

struct InspectedTensor {
  TensorSpec spec;
  std::string problem;             // "missing from the checkpoint", "has shape …"; empty: fits
};

struct InspectedFileTensor {
  std::string key, file;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
  bool used = false;               // some tensor of the model is made from it
  int64_t nan = 0, inf = 0;        // elements that a sound checkpoint does not have
};

struct InspectReport {
  std::string model_type, architecture;
  int64_t parameters = 0;          // elements, tied ones once
  int64_t bytes = 0;               // of the checkpoint's tensors
  std::vector<std::string> files;
  std::vector<InspectedTensor> tensors;      // of the model, in declared order
  std::vector<InspectedFileTensor> in_file;  // of the checkpoint, by key
};

Result<InspectReport> inspect_model(const std::string& directory);

}  // namespace loadproof::sim
