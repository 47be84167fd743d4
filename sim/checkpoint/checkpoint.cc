#include "sim/checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "sim/checkpoint/index.h"
#include "sim/checkpoint/nearest.h"
#include "sim/checkpoint/pattern.h"
#include "sim/checkpoint/problems.h"
#include "sim/checkpoint/safetensors.h"

namespace loadproof::sim {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWhole = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// Also true of a link that leads nowhere: then opening it says so.
bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() > fs::file_type::not_found;
}

// Names of the directory's entries, sorted; those that cannot be read are left out.
std::vector<std::string> names_in(const fs::path& directory, bool directories_only) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!directories_only || it->is_directory(ignored))
      names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Error no_directory(const fs::path& directory) {
  fs::path wanted = directory.lexically_normal();
  if (!wanted.has_filename()) wanted = wanted.parent_path();  // a '/' at the end
  const fs::path parent = wanted.has_parent_path() ? wanted.parent_path() : fs::path(".");
  const auto meant = nearest_names(wanted.filename().string(), names_in(parent, true));
  return Error{fmt::format("there is no checkpoint directory {}{}", directory.string(),
                           did_you_mean(meant))};
}

Error no_weights(const fs::path& directory) {
  std::string pickled;
  for (const std::string& name : names_in(directory, false))
    if (name.starts_with("pytorch_model"))
      pickled = fmt::format("; {} is there, but pickled weights are not read", name);
  return Error{fmt::format("{} has no weights: neither {} nor {} is there{}", directory.string(),
                           kWhole, kIndex, pickled)};
}

}  // namespace

// Gathers the files of one directory; what is wrong with them goes into the problems.
class CheckpointOpener {
 public:
  CheckpointOpener(const fs::path& directory, const Reading& reading) : reading_(reading) {
    result_.directory_ = directory;
  }

  bool wants(const std::string& file) const {
    return reading_.files.empty() || matches_pattern(reading_.files, file);
  }

  Result<Checkpoint> open_all() {
    for (const std::string& name : names_in(result_.directory_, false))
      if (name.ends_with(".safetensors") && wants(name)) add_file(name);
    const bool none = result_.files_.empty() && problems_.empty();
    if (none && !reading_.files.empty() && !reading_.may_be_empty)
      return fail(fmt::format("{} has no file {}", result_.directory_.string(), reading_.files));
    return finish();
  }

  Result<Checkpoint> open_none() { return finish(); }

  Result<Checkpoint> open_whole() {
    add_file(kWhole);
    return finish();
  }

  Result<Checkpoint> open_sharded() {
    const fs::path path = result_.directory_ / kIndex;
    const auto text = map_file(path);
    if (!text) return tl::make_unexpected(text.error());
    const auto* characters = reinterpret_cast<const char*>(text->bytes().data());
    auto index = parse_index({characters, text->bytes().size()}, path.string());
    if (!index) return tl::make_unexpected(index.error());
    weight_map_ = std::move(index->weight_map);

    std::map<std::string, size_t> shards;  // file name, number of tensors that the index puts there
    for (const auto& [key, file] : weight_map_) ++shards[file];
    for (const auto& [file, tensor_count] : shards) {
      if (!wants(file)) continue;
      if (is_there(result_.directory_ / file)) {
        add_file(file);
        continue;
      }
      unread_.insert(file);
      problems_.add(fmt::format("{}: it names {} for {} tensor{}, but that file is missing",
                                path.string(), in_quotes(file), tensor_count,
                                tensor_count == 1 ? "" : "s"));
    }
    if (reading_.trust == Trust::kIndex)
      std::erase_if(result_.tensors_, [&](const CheckpointTensor& tensor) {
        const auto named = weight_map_.find(tensor.key);
        return named == weight_map_.end() || named->second != tensor.file;
      });
    else
      check_index(path.string());
    return finish();
  }

 private:
  void add_file(const std::string& name) {
    const fs::path path = result_.directory_ / name;
    auto file = map_file(path);
    if (!file) return leave_out(name, file.error());
    const bool mapped = reading_.trust == Trust::kMapped;
    auto header = parse_safetensors(file->bytes(), path.string(),
                                    {.any_layout = mapped,
                                     .trailing = reading_.trailing.value_or(mapped),
                                     .twice = reading_.twice});
    if (!header) return leave_out(name, header.error());
    for (TensorEntry& entry : header->tensors) {
      CheckpointTensor tensor{.key = std::move(entry.name),
                              .dtype = entry.dtype,
                              .shape = std::move(entry.shape),
                              .file = name,
                              .file_begin = header->data_offset + entry.begin,
                              .file_end = header->data_offset + entry.end,
                              .bytes = {}};
      const auto size = static_cast<int64_t>(file->bytes().size());
      const int64_t begin = std::min(tensor.file_begin, size);
      tensor.bytes =
          file->bytes().subspan(static_cast<size_t>(begin),
                                static_cast<size_t>(std::min(tensor.file_end, size) - begin));
      result_.tensors_.push_back(std::move(tensor));
    }
    result_.files_.push_back(std::move(*file));
  }

  void leave_out(const std::string& name, const Error& why) {
    unread_.insert(name);
    problems_.add(why.message);
  }

  // Holds the index against what the files have. Nothing is said about tensors of files that could
  // not be read: their own fault is reported already.
  void check_index(const std::string& index) {
    std::map<std::string_view, std::vector<std::string_view>>
        files_of;  // key, the files that have it
    for (const CheckpointTensor& tensor : result_.tensors_)
      files_of[tensor.key].push_back(tensor.file);
    for (const auto& [key, file] : weight_map_) {
      if (unread_.contains(file)) continue;
      const auto found = files_of.find(key);
      if (found == files_of.end())
        problems_.add(fmt::format("{}: it says that {} is in {}, but that file lacks it", index,
                                  in_quotes(key), in_quotes(file)));
      else if (std::find(found->second.begin(), found->second.end(), file) == found->second.end())
        problems_.add(fmt::format("{}: it says that {} is in {}, but it is in {}", index,
                                  in_quotes(key), in_quotes(file),
                                  in_quotes(found->second.front())));
    }
    for (const auto& [key, files] : files_of) {
      if (files.size() > 1)
        problems_.add(fmt::format("{}: {} is both in {} and in {}", index, in_quotes(key),
                                  in_quotes(files[0]), in_quotes(files[1])));
      if (!weight_map_.contains(std::string(key)))
        problems_.add(fmt::format("{}: it does not name {}, which is in {}", index, in_quotes(key),
                                  in_quotes(files.front())));
    }
  }

  Result<Checkpoint> finish() {
    if (!problems_.empty()) return problems_.error();
    auto& tensors = result_.tensors_;
    std::stable_sort(
        tensors.begin(), tensors.end(),
        [](const CheckpointTensor& a, const CheckpointTensor& b) { return a.key < b.key; });
    // Only listed files can have a key twice here: the file that was read last wins.
    const auto kept = std::unique(
        tensors.rbegin(), tensors.rend(),
        [](const CheckpointTensor& a, const CheckpointTensor& b) { return a.key == b.key; });
    tensors.erase(tensors.begin(), kept.base());
    return std::move(result_);
  }

  const Reading& reading_;
  Checkpoint result_;
  std::map<std::string, std::string> weight_map_;
  std::set<std::string> unread_;
  Problems problems_;
};

Result<Checkpoint> Checkpoint::open(const fs::path& directory, const Reading& reading) {
  std::error_code ignored;
  const fs::file_status status = fs::status(directory, ignored);
  if (!fs::exists(status)) return tl::make_unexpected(no_directory(directory));
  if (!fs::is_directory(status))
    return fail(fmt::format("{} is not a directory with a checkpoint", directory.string()));
  CheckpointOpener opener(directory, reading);
  const bool listed = !reading.files.empty() && reading.trust != Trust::kIndex;
  if (reading.trust == Trust::kFiles || listed) return opener.open_all();
  if (is_there(directory / kWhole) && opener.wants(kWhole)) return opener.open_whole();
  if (is_there(directory / kIndex)) return opener.open_sharded();
  if (reading.may_be_empty) return opener.open_none();
  return tl::make_unexpected(no_weights(directory));
}

const CheckpointTensor* Checkpoint::find(std::string_view key) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), key,
      [](const CheckpointTensor& tensor, std::string_view wanted) { return tensor.key < wanted; });
  return found != tensors_.end() && found->key == key ? &*found : nullptr;
}

std::vector<std::string> Checkpoint::nearest(std::string_view key) const {
  std::vector<std::string_view> keys;
  keys.reserve(tensors_.size());
  for (const CheckpointTensor& tensor : tensors_) keys.push_back(tensor.key);
  return nearest_names(key, keys);
}

}  // namespace loadproof::sim
