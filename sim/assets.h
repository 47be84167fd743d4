// Opened checkpoints and described models, shared by all the cases that use them.
//
// An Asset is immutable once made, but for its references, which are built when they are first
// asked for. Assets owns them all, with the folders that declared stores are written to; it is used
// from one thread and outlives every world that uses it.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/checkpoint/checkpoint.h"
#include "sim/models/family.h"
#include "sim/result.h"
#include "sim/store_spec.h"
#include "sim/temporary_folder.h"
#include "sim/tensor_spec.h"

namespace loadproof::sim {

class Asset {
 public:
  // `dry`: its files have headers and sizes, and holes for bytes.
  Asset(std::optional<Model> model, std::optional<Checkpoint> checkpoint,
        std::vector<TensorSpec> extras, std::vector<StoreSpec> stores, bool dry = false);
  // Writes the declared stores below `folder`, and the model's own file where a dry asset has none.
  Result<void> write_stores(const std::filesystem::path& folder);

  const Model* model() const { return model_ ? &*model_ : nullptr; }
  // The store called `file`.
  const Checkpoint* checkpoint() const { return checkpoint_ ? &*checkpoint_ : nullptr; }
  const std::vector<StoreSpec>& stores() const { return stores_; }
  // Of a declared store that is not empty, or of `file` where it is declared: where it lies.
  std::filesystem::path folder_of(std::string_view store) const;
  // The model's tensors in declared order, then the scenario's own. Slots are indices into it.
  const std::vector<TensorSpec>& specs() const { return specs_; }
  size_t model_tensors() const { return model_ ? model_->tensors.size() : 0; }
  // By slot: the checkpoint has every piece of it, whatever their shapes.
  const std::vector<bool>& in_file() const { return in_file_; }
  // The value that the model directory, or the scenario, gives for a slot, in the declared dtype
  // and shape; undefined where it says nothing. Tied names give what they are tied to.
  const at::Tensor& reference(int slot) const;
  // digest() of its bytes, which is remembered. REQUIRES: it is defined.
  uint64_t reference_digest(int slot, uint64_t seed) const;
  // Whether it gives one; without making it, in a dry asset.
  bool has_reference(int slot) const;
  std::optional<int> slot_named(std::string_view name) const;
  // What a version of a tensor has in a file of this element type; its own if unset.
  // REQUIRES: there is such a tensor.
  at::Tensor content(const StoredTensor& stored, std::optional<DType> dtype) const;

 private:
  std::optional<Model> model_;
  std::optional<Checkpoint> checkpoint_;
  std::vector<TensorSpec> specs_;
  std::unordered_map<std::string, int> slots_;  // by name; looked up, never iterated
  std::vector<StoreSpec> stores_;
  std::filesystem::path folder_;  // holds a folder for each declared store
  std::vector<bool> in_file_;
  bool dry_;
  struct Reference {
    bool known = false;
    at::Tensor value;
    uint64_t seed = 0;               // of
    std::optional<uint64_t> digest;  // which is made when it is first asked for
  };
  mutable std::vector<Reference> references_;
  at::Tensor make_reference(int slot) const;
  Result<void> write_store(const StoreSpec& store) const;
  Result<void> write_model_file() const;
  void find_in_file();
};

// Copies one piece of the checkpoint into its box of `destination`, casting where dtypes differ.
// An error tells what does not fit, with file and key.
Result<void> copy_piece(const Checkpoint& checkpoint, const TensorSpec& spec,
                        const FilePiece& piece, const at::Tensor& destination);

class Assets {
 public:
  // `directory` may be empty: then there are only the extras. The same arguments give the same
  // Asset as long as the files have not changed. `dry`: for worlds on shapes alone, of which a
  // folder with a config.json and no weights is enough.
  Result<const Asset*> open(const std::string& directory, std::optional<DType> dtype,
                            const std::vector<TensorSpec>& extras,
                            const std::vector<StoreSpec>& stores = {}, bool dry = false);

 private:
  struct Entry {
    std::string directory;
    std::optional<DType> dtype;
    std::vector<TensorSpec> extras;
    std::vector<StoreSpec> stores;
    bool dry;
    std::unique_ptr<Asset> asset;
  };
  std::vector<Entry> entries_;
  std::optional<TemporaryFolder> folder_;  // of the declared stores, by number of the entry
  Result<void> write_stores(Asset& asset);
};

}  // namespace loadproof::sim
