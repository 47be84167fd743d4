#include "sim/stores.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "sim/checkpoint/index.h"
#include "sim/checkpoint/mapped_file.h"
#include "sim/checkpoint/safetensors.h"
#include "sim/checkpoint/writer.h"
#include "sim/selector.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kWhole = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

// Pieces of one tensor lie under keys of their own.
std::string key_in_file(const Saved& saved, const std::string& file) {
  return saved.layout ? fmt::format("{}@{}", saved.key, file) : saved.key;
}

}  // namespace

fs::path Stores::folder_of(const std::string& store) const {
  const auto known = states_.find(store);
  if (known != states_.end() && known->second.folder) return *known->second.folder;
  const bool of_model = store == kFileStore && asset_.model();
  return of_model ? asset_.checkpoint()->directory() : asset_.folder_of(store);
}

Result<const Checkpoint*> Stores::open(const std::string& store, Trust trust) {
  const bool of_model = store == kFileStore && asset_.model();
  if (of_model && trust == Trust::kStrict && !states_[store].folder) return asset_.checkpoint();
  std::map<Trust, Checkpoint>& opened = states_[store].opened;
  if (const auto found = opened.find(trust); found != opened.end()) return &found->second;
  auto made = Checkpoint::open(folder_of(store), trust);
  if (!made) return fail(told(store, made.error().message));
  return &opened.emplace(trust, std::move(*made)).first->second;
}

// Where declared stores lie changes from run to run: errors tell their names instead.
std::string Stores::told(const std::string& store, std::string text) const {
  if (store == kFileStore && asset_.model()) return text;
  const std::string folder = folder_of(store).string();
  for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.replace(at, folder.size(), store);
  return fmt::format("store {}: {}", store, text);
}

Result<std::vector<Held>> Stores::find(const std::string& store, Trust trust,
                                       const std::string& key) {
  const Result<const Checkpoint*> checkpoint = open(store, trust);
  if (!checkpoint) return tl::make_unexpected(checkpoint.error());
  std::vector<Held> found;
  if (const CheckpointTensor* whole = (*checkpoint)->find(key))
    found.push_back({whole, saved_as(store, *whole)});
  const std::span<const CheckpointTensor> all = (*checkpoint)->tensors();
  for (auto piece = std::ranges::lower_bound(all, key + "@", {}, &CheckpointTensor::key);
       piece != all.end() && piece->key.starts_with(key + "@"); ++piece)
    found.push_back({&*piece, saved_as(store, *piece)});
  std::ranges::stable_sort(found, {}, [](const Held& held) { return held.tensor->file; });
  return found;
}

const Saved* Stores::saved_as(const std::string& store, const CheckpointTensor& tensor) const {
  const auto& files = states_.at(store).saved;
  const auto file = files.find(tensor.file);
  if (file == files.end()) return nullptr;
  const auto one = file->second.find(tensor.key);
  return one == file->second.end() || one->second.rank < 0 ? nullptr : &one->second;
}

Result<std::vector<std::string>> Stores::keys(const std::string& store, Trust trust) {
  const Result<const Checkpoint*> checkpoint = open(store, trust);
  if (!checkpoint) return tl::make_unexpected(checkpoint.error());
  std::vector<std::string> keys;
  for (const CheckpointTensor& tensor : (*checkpoint)->tensors()) {
    const std::string key = tensor.key.substr(0, tensor.key.find('@'));
    if (keys.empty() || keys.back() != key) keys.push_back(key);
  }
  return keys;
}

Result<fs::path> Stores::own_copy(const std::string& store) {
  State& state = states_[store];
  state.opened.clear();
  if (state.folder) return *state.folder;
  if (!own_) {
    auto made = TemporaryFolder::make();
    if (!made) return tl::make_unexpected(made.error());
    own_ = std::move(*made);
  }
  const fs::path from = folder_of(store), to = own_->path() / store;
  std::error_code error;
  fs::copy(from, to, fs::copy_options::recursive, error);
  if (error)
    return fail(fmt::format("cannot copy {} to {}: {}", from.string(), to.string(),
                            error.message()));
  state.folder = to;
  return to;
}

Result<bool> Stores::save(const std::string& store, const std::string& file, Saved saved) {
  const Result<fs::path> folder = own_copy(store);
  if (!folder) return tl::make_unexpected(folder.error());
  std::map<std::string, Saved>& tensors = states_[store].saved[file];
  if (tensors.empty())
    if (auto kept = keep_tensors(*folder / file, tensors); !kept)
      return fail(told(store, kept.error().message));
  const std::string key = key_in_file(saved, file);
  const auto before = tensors.find(key);
  const bool collides = before != tensors.end() && before->second.rank >= 0 &&
                        before->second.rank != saved.rank &&
                        before->second.bytes != saved.bytes;
  tensors.insert_or_assign(key, std::move(saved));
  if (auto written = write_file(*folder / file, tensors); !written)
    return fail(told(store, written.error().message));
  if (file != kWhole)
    if (auto written = write_index(store); !written) return tl::make_unexpected(written.error());
  return collides;
}

Result<void> Stores::keep_tensors(const fs::path& path,
                                  std::map<std::string, Saved>& tensors) const {
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const auto file = map_file(path);
  if (!file) return tl::make_unexpected(file.error());
  const auto header = parse_safetensors(file->bytes(), path.string());
  if (!header) return tl::make_unexpected(header.error());
  for (const TensorEntry& entry : header->tensors) {
    const auto bytes = file->bytes().subspan(static_cast<size_t>(header->data_offset + entry.begin),
                                             static_cast<size_t>(entry.end - entry.begin));
    tensors[entry.name] = {.key = entry.name,
                           .dtype = entry.dtype,
                           .shape = entry.shape,
                           .bytes = {bytes.begin(), bytes.end()},
                           .rank = -1};
  }
  return {};
}

Result<void> Stores::write_file(const fs::path& path, const std::map<std::string, Saved>& tensors) {
  std::vector<TensorToWrite> to_write;
  for (const auto& [key, saved] : tensors)
    to_write.push_back({key, saved.dtype, saved.shape, saved.bytes});
  return write_safetensors(path, to_write, {{"format", "pt"}});
}

// Names what has been saved in this world, and nothing that was there before.
Result<void> Stores::write_index(const std::string& store) {
  std::map<std::string, std::string> index;
  for (const auto& [file, tensors] : states_[store].saved)
    for (const auto& tensor : tensors) index[tensor.first] = file;
  return sim::write_index(*states_[store].folder / kIndex, index);
}

Result<void> Stores::cut(const std::string& store, const std::string& file, int64_t bytes) {
  const Result<fs::path> folder = own_copy(store);
  if (!folder) return tl::make_unexpected(folder.error());
  std::error_code error;
  const fs::path path = *folder / file;
  const auto size = static_cast<int64_t>(fs::file_size(path, error));
  if (error) return fail(fmt::format("store {} has no file {}", store, file));
  if (bytes > size)
    return fail(fmt::format("{} of store {} has {} bytes, fewer than {}", file, store, size,
                            bytes));
  fs::resize_file(path, static_cast<uintmax_t>(size - bytes), error);
  if (error) return fail(fmt::format("cannot cut {}: {}", path.string(), error.message()));
  return {};
}

Result<void> Stores::remove(const std::string& store, const std::string& file) {
  const Result<fs::path> folder = own_copy(store);
  if (!folder) return tl::make_unexpected(folder.error());
  std::error_code error;
  if (!fs::remove(*folder / file, error))
    return fail(fmt::format("store {} has no file {}", store, file));
  states_[store].saved.erase(file);
  return {};
}

std::vector<std::string> Stores::files(const std::string& store, const std::string& pattern) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder_of(store), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (matches_pattern(pattern, name)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace loadproof::sim
