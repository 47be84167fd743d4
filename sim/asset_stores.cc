// Asset, second part: declared stores are written as files, and read back as any checkpoint is.
#include <ATen/ops/roll.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "sim/assets.h"
#include "sim/check.h"
#include "sim/checkpoint/index.h"
#include "sim/checkpoint/writer.h"
#include "sim/content.h"
#include "sim/memory/ledger.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;
constexpr const char* kOneFile = "model.safetensors";

// What stands in one file: tensors by key, and the values that the bytes are read from.
struct Keyed {
  std::string key;
  at::Tensor value;
};

// Values on meta have a size and no bytes: the file has holes for them.
Result<void> write_file(const fs::path& path, const std::vector<Keyed>& tensors) {
  std::vector<TensorToWrite> to_write;
  bool hollow = false;
  for (const Keyed& one : tensors) {
    const std::byte* data = one.value.is_meta() ? nullptr : data_of(one.value);
    hollow = hollow || one.value.is_meta();
    to_write.push_back({one.key, dtype_of(one.value), shape_of(one.value),
                        {data, static_cast<size_t>(bytes_of(one.value))}});
  }
  const SafetensorsMetadata metadata{{"format", "pt"}};
  return hollow ? write_hollow_safetensors(path, to_write, metadata)
                : write_safetensors(path, to_write, metadata);
}

// Tensors that `stacked` names leave for one key that holds them all.
void stack(const StoreSpec& store, std::vector<Keyed>& tensors) {
  for (const auto& [key, parts] : store.stacked) {
    std::vector<at::Tensor> values;
    for (const std::string& part : parts) {
      const auto found = std::ranges::find(tensors, store.prefix + part, &Keyed::key);
      if (found == tensors.end()) continue;
      values.push_back(found->value);
      tensors.erase(found);
    }
    if (!values.empty()) tensors.push_back({store.prefix + key, at::stack(values)});
  }
}

}  // namespace

fs::path Asset::folder_of(std::string_view store) const { return folder_ / store; }

// Of a model's own tensors versions are the file's elements, moved on by as many places.
at::Tensor Asset::content(const StoredTensor& stored, std::optional<DType> dtype) const {
  const std::optional<int> slot = slot_named(stored.tensor);
  SIM_CHECK(slot, "a store holds {}, which nobody declares", stored.tensor);
  TensorSpec spec = specs_[static_cast<size_t>(*slot)];
  if (dtype && at::isFloatingType(scalar_type(spec.dtype))) spec.dtype = *dtype;
  if (dry_) return meta_tensor(spec.shape, spec.dtype);
  if (!spec.in_stores)
    return at::roll(reference(*slot).flatten(), stored.version)
        .view(spec.shape)
        .to(scalar_type(spec.dtype));
  int64_t first = 0;
  for (int i = 0; i < *slot; ++i) first += element_count(specs_[static_cast<size_t>(i)].shape);
  return unique_content(spec, first, stored.version);
}

Result<void> Asset::write_store(const StoreSpec& store) const {
  std::error_code error;
  fs::create_directories(folder_of(store.name), error);
  if (error) return fail(fmt::format("cannot make {}", folder_of(store.name).string()));
  if (store.empty) return {};
  std::vector<StoredFile> files = store.files;
  if (files.empty()) {
    StoredFile& one = files.emplace_back(StoredFile{kOneFile, {}});
    for (size_t i = 0; i < specs_.size(); ++i)
      if (specs_[i].in_stores || (i < model_tensors() && has_reference(static_cast<int>(i))))
        one.tensors.push_back({specs_[i].name, store.version});
  }
  std::map<std::string, std::string> index = store.index;
  for (const StoredFile& file : files) {
    std::vector<Keyed> tensors;
    for (const StoredTensor& stored : file.tensors)
      tensors.push_back({store.prefix + stored.tensor, content(stored, store.dtype).contiguous()});
    stack(store, tensors);
    for (const Keyed& one : tensors)
      if (store.index.empty()) index.emplace(one.key, file.name);
    const auto written = write_file(folder_of(store.name) / file.name, tensors);
    if (!written) return written;
  }
  const bool one_file = files.size() == 1 && files[0].name == kOneFile && store.index.empty();
  if (one_file) return {};
  return write_index(folder_of(store.name) / (std::string(kOneFile) + ".index.json"), index);
}

// As the config tells: each piece of each tensor under its key.
Result<void> Asset::write_model_file() const {
  std::vector<Keyed> tensors;
  for (const TensorSpec& spec : model_->tensors)
    for (const FilePiece& piece : spec.pieces)
      if (spec.tied_to.empty())
        tensors.push_back({piece.key, meta_tensor(piece.shape, spec.dtype)});
  std::error_code error;
  fs::create_directories(folder_of(kFileStore), error);
  if (error) return fail(fmt::format("cannot make {}", folder_of(kFileStore).string()));
  return write_file(folder_of(kFileStore) / kOneFile, tensors);
}

Result<void> Asset::write_stores(const fs::path& folder) {
  const RankScope shared(kUnattributed);  // what cases share is no rank's memory
  folder_ = folder;
  if (model_ && !checkpoint_) {
    if (auto written = write_model_file(); !written) return written;
    auto opened = Checkpoint::open(folder_of(kFileStore));
    if (!opened) return tl::make_unexpected(opened.error());
    checkpoint_ = std::move(*opened);
    find_in_file();
  }
  for (const StoreSpec& store : stores_)
    if (auto written = write_store(store); !written) return written;
  const auto file = std::ranges::find(stores_, kFileStore, &StoreSpec::name);
  if (model_ || file == stores_.end() || file->empty) return {};
  // Lies of the index are there to be told by those who read it, so they are not refused here.
  auto opened = Checkpoint::open(folder_of(kFileStore), {Trust::kIndex});
  if (!opened) return tl::make_unexpected(opened.error());
  checkpoint_ = std::move(*opened);
  find_in_file();
  return {};
}

}  // namespace loadproof::sim
