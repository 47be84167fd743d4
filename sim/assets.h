// Opened checkpoints and described models, shared by all the cases that use them.
//
// An Asset is immutable once made, but for its references, which are built when they are first
// asked for. Assets owns them all; it is used from one thread and outlives every world that uses
// it.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/checkpoint/checkpoint.h"
#include "sim/models/family.h"
#include "sim/result.h"
#include "sim/tensor_spec.h"

namespace loadproof::sim {

class Asset {
 public:
  Asset(std::optional<Model> model, std::optional<Checkpoint> checkpoint,
        std::vector<TensorSpec> extras);

  const Model* model() const { return model_ ? &*model_ : nullptr; }
  const Checkpoint* checkpoint() const { return checkpoint_ ? &*checkpoint_ : nullptr; }
  // The model's tensors in declared order, then the scenario's own. Slots are indices into it.
  const std::vector<TensorSpec>& specs() const { return specs_; }
  size_t model_tensors() const { return model_ ? model_->tensors.size() : 0; }
  // By slot: the checkpoint has every piece of it, whatever their shapes.
  const std::vector<bool>& in_file() const { return in_file_; }
  // The value that the model directory, or the scenario, gives for a slot, in the declared dtype
  // and shape; undefined where it says nothing. Tied names give what they are tied to.
  const at::Tensor& reference(int slot) const;
  std::optional<int> slot_named(std::string_view name) const;

 private:
  std::optional<Model> model_;
  std::optional<Checkpoint> checkpoint_;
  std::vector<TensorSpec> specs_;
  std::vector<bool> in_file_;
  struct Reference {
    bool known = false;
    at::Tensor value;
  };
  mutable std::vector<Reference> references_;
  at::Tensor make_reference(int slot) const;
};

// Copies one piece of the checkpoint into its box of `destination`, casting where dtypes differ.
// An error tells what does not fit, with file and key.
Result<void> copy_piece(const Checkpoint& checkpoint, const TensorSpec& spec,
                        const FilePiece& piece, const at::Tensor& destination);

class Assets {
 public:
  // `directory` may be empty: then there are only the extras. The same arguments give the same
  // Asset as long as the files have not changed.
  Result<const Asset*> open(const std::string& directory, std::optional<DType> dtype,
                            const std::vector<TensorSpec>& extras);

 private:
  struct Entry {
    std::string directory;
    std::optional<DType> dtype;
    std::vector<TensorSpec> extras;
    std::unique_ptr<Asset> asset;
  };
  std::vector<Entry> entries_;
};

}  // namespace loadproof::sim
