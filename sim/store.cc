#include "sim/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "sim/checkpoint/index.h"
#include "sim/checkpoint/mapped_file.h"
#include "sim/checkpoint/pattern.h"
#include "sim/checkpoint/writer.h"

namespace loadproof::sim {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kWhole = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

// Pieces of one tensor lie under keys of their own.
std::string key_in_file(const Saved& saved, const std::string& file) {
  return saved.layout ? fmt::format("{}@{}", saved.key, file) : saved.key;
}

std::string whole_key(const std::string& key) { return key.substr(0, key.find('@')); }

Result<void> write_file(const fs::path& path, const std::map<std::string, Saved>& tensors) {
  std::vector<TensorToWrite> to_write;
  for (const auto& [key, saved] : tensors)
    to_write.push_back({key, saved.dtype, saved.shape, saved.bytes});
  return write_safetensors(path, to_write, {{"format", "pt"}});
}

}  // namespace

fs::path Store::folder() const {
  if (own_) return *own_;
  const bool of_model = name_ == kFileStore && asset_.model();
  return of_model ? asset_.checkpoint()->directory() : asset_.folder_of(name_);
}

Result<const Checkpoint*> Store::open(const Reading& reading) {
  const bool of_model = name_ == kFileStore && asset_.model();
  const bool as_asset = reading == Reading{.may_be_empty = reading.may_be_empty};
  if (of_model && as_asset && !own_) return asset_.checkpoint();
  if (const auto found = opened_.find(reading); found != opened_.end()) return &found->second;
  auto made = Checkpoint::open(folder(), reading);
  if (!made) return fail(told(made.error().message));
  return &opened_.emplace(reading, std::move(*made)).first->second;
}

// Where declared stores lie changes from run to run: errors tell their names instead.
std::string Store::told(std::string text) const {
  if (name_ == kFileStore && asset_.model()) return text;
  const std::string place = folder().string();
  for (size_t at = text.find(place); at != std::string::npos; at = text.find(place, at))
    text.replace(at, place.size(), name_);
  return fmt::format("store {}: {}", name_, text);
}

Result<std::vector<Held>> Store::find(const Reading& reading, const std::string& key) {
  const Result<const Checkpoint*> checkpoint = open(reading);
  if (!checkpoint) return tl::make_unexpected(checkpoint.error());
  std::vector<Held> found;
  if (const CheckpointTensor* whole = (*checkpoint)->find(key)) found.push_back(held(*whole));
  const std::span<const CheckpointTensor> all = (*checkpoint)->tensors();
  for (auto piece = std::ranges::lower_bound(all, key + "@", {}, &CheckpointTensor::key);
       piece != all.end() && piece->key.starts_with(key + "@"); ++piece)
    found.push_back(held(*piece));
  std::ranges::stable_sort(found, {}, [](const Held& one) { return one.tensor->file; });
  return found;
}

Held Store::held(const CheckpointTensor& tensor) const {
  const int64_t bytes = tensor.file_end - tensor.file_begin;
  Held held{.tensor = &tensor,
            .states = StateMap(bytes, {kNoOrigin, 0}),
            .file = folder() / tensor.file};
  const auto file = files_.find(tensor.file);
  if (file == files_.end()) return held;
  const auto saved = file->second.saved.find(tensor.key);
  if (saved != file->second.saved.end()) {
    held.layout = saved->second.layout;
    if (saved->second.states.bytes() == bytes) held.states = saved->second.states;
  }
  lay_over(file->second, tensor.key, tensor.file_begin, item_size(tensor.dtype), held.states);
  return held;
}

// Of an element no part is damaged alone.
void Store::lay_over(const File& file, const std::string& key, int64_t at, int64_t item,
                     StateMap& states) {
  for (const Fault& fault : file.faults) {
    const int64_t begin = std::max<int64_t>(fault.begin - at, 0) / item * item;
    const int64_t end = std::min((fault.end - at + item - 1) / item * item, states.bytes());
    if (begin < end) states.write(begin, end, {fault.origin, begin});
  }
  if (const auto retold = file.retold.find(key); retold != file.retold.end())
    states = StateMap(states.bytes(), {retold->second, 0});
}

Result<std::vector<std::string>> Store::keys(const Reading& reading) {
  const Result<const Checkpoint*> checkpoint = open(reading);
  if (!checkpoint) return tl::make_unexpected(checkpoint.error());
  std::vector<std::string> keys;
  for (const CheckpointTensor& tensor : (*checkpoint)->tensors()) {
    const std::string key = whole_key(tensor.key);
    if (keys.empty() || keys.back() != key) keys.push_back(key);
  }
  return keys;
}

std::set<std::string> Store::readable_keys() const {
  std::set<std::string> keys;
  for (const std::string& file : files("*.safetensors")) {
    const auto mapped = map_file(folder() / file);
    if (!mapped) continue;
    const auto header = parse_safetensors(
        mapped->bytes(), file, {.any_layout = true, .trailing = true, .twice = Twice::kFirst});
    if (!header) continue;
    for (const TensorEntry& entry : header->tensors) keys.insert(whole_key(entry.name));
  }
  return keys;
}

std::vector<std::string> Store::files(const std::string& pattern) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (matches_pattern(pattern, name)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Result<fs::path> Store::own_copy() {
  opened_.clear();
  has_news_ = true;
  if (own_) return *own_;
  const Result<fs::path> to = room_();
  if (!to) return to;
  const fs::path from = folder();
  std::error_code error;
  fs::copy(from, *to, fs::copy_options::recursive, error);
  if (error)
    return fail(fmt::format("cannot copy {} to {}: {}", from.string(), to->string(),
                            error.message()));
  own_ = *to;
  return to;
}

Result<bool> Store::save(const std::string& name, Saved saved, IndexAfterSave index) {
  const Result<fs::path> folder = own_copy();
  if (!folder) return tl::make_unexpected(folder.error());
  File& file = files_[name];
  if (file.saved.empty() || file.damaged)
    if (auto kept = keep_tensors(*folder / name, file); !kept)
      return fail(told(kept.error().message));
  const std::string key = key_in_file(saved, name);
  const auto before = file.saved.find(key);
  const bool collides = before != file.saved.end() && before->second.rank >= 0 &&
                        before->second.rank != saved.rank &&
                        before->second.bytes != saved.bytes;
  file.saved.insert_or_assign(key, std::move(saved));
  if (auto written = write_file(*folder / name, file.saved); !written)
    return fail(told(written.error().message));
  std::error_code ignored;
  if (index == IndexAfterSave::kNone) fs::remove(*folder / kIndex, ignored);
  if (index == IndexAfterSave::kUpdate && name != kWhole)
    if (auto written = write_index(); !written) return tl::make_unexpected(written.error());
  return collides;
}

Result<void> Store::keep_tensors(const fs::path& path, File& file) const {
  const File before = std::exchange(file, {});
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const auto mapped = map_file(path);
  if (!mapped) return tl::make_unexpected(mapped.error());
  const auto header = parse_safetensors(mapped->bytes(), path.string());
  if (!header && before.damaged) return {};
  if (!header) return tl::make_unexpected(header.error());
  for (const TensorEntry& entry : header->tensors) {
    const int64_t at = header->data_offset + entry.begin;
    const auto bytes = mapped->bytes().subspan(static_cast<size_t>(at),
                                               static_cast<size_t>(entry.end - entry.begin));
    Saved& kept = file.saved[entry.name];
    const auto known = before.saved.find(entry.name);
    kept = known == before.saved.end() ? Saved{.key = entry.name, .rank = -1} : known->second;
    kept.dtype = entry.dtype;
    kept.shape = entry.shape;
    kept.bytes = {bytes.begin(), bytes.end()};
    if (kept.states.bytes() != static_cast<int64_t>(bytes.size()))
      kept.states = StateMap(static_cast<int64_t>(bytes.size()), {kNoOrigin, 0});
    lay_over(before, entry.name, at, item_size(entry.dtype), kept.states);
  }
  return {};
}

// Names what has been saved in this world, and nothing that was there before.
Result<void> Store::write_index() {
  std::map<std::string, std::string> index;
  for (const auto& [name, file] : files_)
    for (const auto& tensor : file.saved) index[tensor.first] = name;
  return sim::write_index(*own_ / kIndex, index);
}

}  // namespace loadproof::sim
