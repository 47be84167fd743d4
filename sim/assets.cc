#include "sim/assets.h"

#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "sim/box.h"
#include "sim/content.h"
#include "sim/memory/ledger.h"
#include "sim/memory/scan.h"
#include "sim/models/initialise.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

// The checkpoint's tensor as a view of the mapped file. It must not be written.
at::Tensor view_of(const CheckpointTensor& tensor) {
  return at::from_blob(const_cast<std::byte*>(tensor.bytes.data()), tensor.shape,
                       at::TensorOptions(scalar_type(tensor.dtype)));
}

bool has_weights(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (entry.path().string().find(".safetensors") != std::string::npos) return true;
  return false;
}

bool covers(const TensorSpec& spec, const FilePiece& piece, const CheckpointTensor& source) {
  return spec.pieces.size() == 1 && piece.size == spec.shape && source.shape == spec.shape &&
         source.dtype == spec.dtype;
}

Result<void> check_shape(const Checkpoint& checkpoint, const TensorSpec& spec,
                         const FilePiece& piece, const CheckpointTensor& source) {
  if (source.shape == piece.shape) return {};
  return fail(fmt::format("{}/{}: tensor '{}' has shape [{}], but {} of the model needs [{}]",
                          checkpoint.directory().string(), source.file, piece.key,
                          fmt::join(source.shape, ", "), spec.name, fmt::join(piece.shape, ", ")));
}

// Every rank of the real library opens the files and compares shapes, whether it reads or not: a
// wrong one is an error on all of them before anything is loaded.
Result<void> check_shapes(const Checkpoint& checkpoint, const Model& model) {
  for (const TensorSpec& spec : model.tensors)
    for (const FilePiece& piece : spec.pieces)
      if (const CheckpointTensor* source = checkpoint.find(piece.key))
        if (auto fits = check_shape(checkpoint, spec, piece, *source); !fits) return fits;
  return {};
}

}  // namespace

Result<void> copy_piece(const Checkpoint& checkpoint, const TensorSpec& spec,
                        const FilePiece& piece, const at::Tensor& destination) {
  const CheckpointTensor* source = checkpoint.find(piece.key);
  if (!source)
    return fail(fmt::format("{}: no tensor '{}' for {}", checkpoint.directory().string(), piece.key,
                            spec.name));
  if (auto fits = check_shape(checkpoint, spec, piece, *source); !fits) return fits;
  box_of(destination, {piece.begin, piece.size}).copy_(view_of(*source).view(piece.size));
  return {};
}

Asset::Asset(std::optional<Model> model, std::optional<Checkpoint> checkpoint,
             std::vector<TensorSpec> extras, std::vector<StoreSpec> stores, bool dry)
    : model_(std::move(model)),
      checkpoint_(std::move(checkpoint)),
      stores_(std::move(stores)),
      dry_(dry) {
  if (model_) specs_ = model_->tensors;
  for (TensorSpec& extra : extras) {
    if (extra.in_stores)
      extra.pieces = {{extra.name, extra.shape, whole(extra.shape).begin, extra.shape}};
    specs_.push_back(std::move(extra));
  }
  references_.resize(specs_.size());
  for (size_t i = 0; i < specs_.size(); ++i)
    slots_.emplace(specs_[i].name, static_cast<int>(i));
  find_in_file();
}

void Asset::find_in_file() {
  in_file_.clear();
  for (const TensorSpec& spec : specs_)
    in_file_.push_back(
        checkpoint_ && !spec.pieces.empty() &&
        std::all_of(spec.pieces.begin(), spec.pieces.end(), [&](const FilePiece& piece) {
          return checkpoint_->find(piece.key) != nullptr;
        }));
}

std::optional<int> Asset::slot_named(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  const auto found = slots_.find(std::string(name));
  return found == slots_.end() ? std::nullopt : std::optional(found->second);
}

const at::Tensor& Asset::reference(int slot) const {
  Reference& reference = references_[static_cast<size_t>(slot)];
  if (reference.known) return reference.value;
  const RankScope shared(kUnattributed);  // what cases share is no rank's memory
  reference.value = make_reference(slot);
  reference.known = true;
  return reference.value;
}

uint64_t Asset::reference_digest(int slot, uint64_t seed) const {
  Reference& made = references_[static_cast<size_t>(slot)];
  if (made.digest && made.seed == seed) return *made.digest;
  const RankScope shared(kUnattributed);
  const at::Tensor value = reference(slot).contiguous();
  made.seed = seed;
  made.digest = digest(data_of(value), static_cast<size_t>(bytes_of(value)), seed);
  return *made.digest;
}

bool Asset::has_reference(int slot) const {
  if (!dry_) return reference(slot).defined();
  const TensorSpec& spec = specs_[static_cast<size_t>(slot)];
  if (!spec.tied_to.empty() && !spec.tied_slice) {
    const std::optional<int> target = slot_named(spec.tied_to);
    return target && has_reference(*target);
  }
  const bool analytic = model_ && spec.pieces.empty() && spec.init.kind == InitKind::kAnalytic;
  return analytic || spec.value || in_file_[static_cast<size_t>(slot)];
}

at::Tensor Asset::make_reference(int slot) const {
  const TensorSpec& spec = specs_[static_cast<size_t>(slot)];
  if (!spec.tied_to.empty() && !spec.tied_slice) {
    const std::optional<int> target = slot_named(spec.tied_to);
    return target ? reference(*target) : at::Tensor();
  }
  if (spec.value && !spec.in_stores) return formula_content(spec);
  if (model_ && spec.pieces.empty() && spec.init.kind == InitKind::kAnalytic) {
    Result<at::Tensor> value = analytic_value(*model_, spec);
    return value ? *value : at::Tensor();
  }
  if (!in_file_[static_cast<size_t>(slot)]) return {};
  const CheckpointTensor& first = *checkpoint_->find(spec.pieces[0].key);
  if (covers(spec, spec.pieces[0], first)) return view_of(first);
  at::Tensor value = empty_tensor(spec.shape, spec.dtype);
  for (const FilePiece& piece : spec.pieces)
    if (!copy_piece(*checkpoint_, spec, piece, value)) return {};
  return value;
}

Result<const Asset*> Assets::open(const std::string& directory, std::optional<DType> dtype,
                                  const std::vector<TensorSpec>& extras,
                                  const std::vector<StoreSpec>& stores, bool dry) {
  for (const Entry& entry : entries_)
    if (entry.directory == directory && entry.dtype == dtype && entry.extras == extras &&
        entry.stores == stores && entry.dry == dry)
      return entry.asset.get();
  std::optional<Model> model;
  std::optional<Checkpoint> checkpoint;
  if (!directory.empty()) {
    Result<ModelConfig> config = read_config(directory);
    if (!config) return tl::make_unexpected(config.error());
    Result<Model> described = describe_model(*config, dtype);
    if (!described) return tl::make_unexpected(described.error());
    model = std::move(*described);
    if (!dry || has_weights(directory)) {
      Result<Checkpoint> opened = Checkpoint::open(directory);
      if (!opened) return tl::make_unexpected(opened.error());
      checkpoint = std::move(*opened);
      if (auto fits = check_shapes(*checkpoint, *model); !fits)
        return tl::make_unexpected(fits.error());
    }
  }
  const bool needs_files = !stores.empty() || (model && !checkpoint);
  auto asset =
      std::make_unique<Asset>(std::move(model), std::move(checkpoint), extras, stores, dry);
  if (needs_files)
    if (auto written = write_stores(*asset); !written) return tl::make_unexpected(written.error());
  entries_.push_back({directory, dtype, extras, stores, dry, std::move(asset)});
  return entries_.back().asset.get();
}

Result<void> Assets::write_stores(Asset& asset) {
  if (!folder_) {
    auto made = TemporaryFolder::make();
    if (!made) return tl::make_unexpected(made.error());
    folder_ = std::move(*made);
  }
  return asset.write_stores(folder_->path() / std::to_string(entries_.size()));
}

}  // namespace loadproof::sim
