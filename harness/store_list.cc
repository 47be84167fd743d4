#include "harness/store_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "harness/argument.h"
#include "harness/step_tree.h"
#include "sim/braces.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr int64_t kVersionMax = 1'000'000;
constexpr size_t kNamesMax = 10'000;

constexpr StoreKey kKeys[] = {
    {"version", "which values its tensors have; 0, those of the store `file`, if left out"},
    {"empty", "true: it holds nothing until a step saves into it"},
    {"per", "world (if left out), node or rank: whose ranks see one copy of it, each its own"},
    {"dtype",
     "element type of floating-point tensors in its files, from which readers cast; their own if "
     "left out"},
    {"prefix", "stands before every key, as of a wrapped model"},
    {"files", "{FILE: [tensors]}; NAME@2 is another version; one file with all if left out"},
    {"index", "{KEY: FILE}, where it says something else than the files"},
    {"stacked", "{KEY: [tensors]}: one key that holds them all on a new first dimension"},
};

class StoreParser {
 public:
  StoreParser(const std::vector<ExtraTensor>& tensors, Diagnostics& diagnostics)
      : diagnostics_(diagnostics) {
    for (const ExtraTensor& tensor : tensors)
      if (tensor.spec.in_stores) names_.push_back(tensor.spec.name);
  }

  StoreSpec parse(const Entry& entry) {
    StoreSpec store{.name = entry.key};
    const std::string what = fmt::format("store {}", entry.key);
    if (entry.value.is_null() || !expect_map(entry.value, what, diagnostics_)) return store;
    std::vector<std::string> known;
    for (const StoreKey& key : kKeys) known.emplace_back(key.key);
    check_keys(entry.value, "a store", known, diagnostics_);
    if (const Entry* version = entry.value.find("version"))
      store.version = read_int(version->value, "version", 0, kVersionMax, diagnostics_).value_or(0);
    for (const auto& [key, where, value] : entry.value.entries) {
      if (key == "empty") {
        const auto read =
            read_value(value, {.what = key, .type = ParamType::kBool}, {}, diagnostics_);
        store.empty = read && std::get<bool>(*read);
      }
      if (key == "per") per(store, value);
      if (key == "dtype") store.dtype = read_dtype(value, key, diagnostics_);
      if (key == "prefix") store.prefix = read_text(value, key, diagnostics_).value_or("");
      if (key == "files") files(store, value);
      if (key == "index") index(store, value);
      if (key == "stacked") stacked(store, value);
    }
    return store;
  }

 private:
  std::vector<std::string> names_;
  Diagnostics& diagnostics_;

  void per(StoreSpec& store, const Node& node) {
    const auto text = read_choice(node, "per", store_copies(), diagnostics_);
    if (text == "node") store.per = StorePer::kNode;
    if (text == "rank") store.per = StorePer::kRank;
  }

  // NAME or NAME@VERSION.
  std::optional<StoredTensor> stored(const std::string& text, const Where& where, int64_t version) {
    StoredTensor tensor{text, version};
    if (const size_t at = text.find('@'); at != std::string::npos) {
      tensor.tensor = text.substr(0, at);
      const char* end = text.data() + text.size();
      const auto read = std::from_chars(text.data() + at + 1, end, tensor.version);
      if (read.ptr != end || read.ec != std::errc() || tensor.version < 0) {
        diagnostics_.add(where, fmt::format("{} has no version", in_quotes(text)),
                         "such as w@1, version 1 of w");
        return std::nullopt;
      }
    }
    if (std::ranges::find(names_, tensor.tensor) != names_.end()) return tensor;
    diagnostics_.add_unknown(where, "tensor of the stores", tensor.tensor, names_);
    return std::nullopt;
  }

  // A list of them, or one; each may hold {0..7} and {a,b}.
  std::vector<StoredTensor> all_stored(const Entry& entry, std::string_view what,
                                       int64_t version) {
    std::vector<StoredTensor> all;
    const auto texts = read_texts(entry.value, what, diagnostics_);
    for (size_t i = 0; texts && i < texts->size(); ++i) {
      const Where& where = entry.value.is_list() ? entry.value.items[i].where : entry.value.where;
      const std::vector<std::string> names = expand_braces((*texts)[i], kNamesMax);
      if (names.empty())
        diagnostics_.add(where, fmt::format("{} is no name of tensors", in_quotes((*texts)[i])),
                         "such as w, w.{0..7} or w.{a,b}");
      for (const std::string& name : names)
        if (auto tensor = stored(name, where, version)) all.push_back(std::move(*tensor));
    }
    return all;
  }

  void files(StoreSpec& store, const Node& node) {
    if (!expect_map(node, "files", diagnostics_)) return;
    for (const Entry& entry : node.entries) {
      if (!entry.key.ends_with(".safetensors") || entry.key.find('/') != std::string::npos)
        diagnostics_.add(entry.where, fmt::format("{} is no name of a file", in_quotes(entry.key)),
                         "such as model-1.safetensors");
      StoredFile file{entry.key, {}};
      file.tensors = all_stored(entry, "each tensor of a file", store.version);
      store.files.push_back(std::move(file));
    }
  }

  void index(StoreSpec& store, const Node& node) {
    if (!expect_map(node, "index", diagnostics_)) return;
    for (const Entry& entry : node.entries)
      if (const auto file = read_text(entry.value, entry.key, diagnostics_))
        store.index[entry.key] = *file;
  }

  void stacked(StoreSpec& store, const Node& node) {
    if (!expect_map(node, "stacked", diagnostics_)) return;
    for (const Entry& entry : node.entries) {
      for (const StoredTensor& tensor : all_stored(entry, "each stacked tensor", 0))
        store.stacked[entry.key].push_back(tensor.tensor);
    }
  }
};

}  // namespace

std::vector<StoreSpec> parse_stores(const Node* node, const std::vector<ExtraTensor>& tensors,
                                    bool has_model, Diagnostics& diagnostics) {
  std::vector<StoreSpec> stores;
  StoreParser parser(tensors, diagnostics);
  if (node && expect_map(*node, "stores", diagnostics)) {
    for (const Entry& entry : node->entries) {
      if (!is_identifier(entry.key))
        diagnostics.add(entry.where, fmt::format("{} is no name of a store", in_quotes(entry.key)),
                        "letters, digits, _ and -, beginning with a letter");
      else if (has_model && entry.key == kFileStore)
        diagnostics.add(entry.where, "the store file is the model's own folder");
      else
        stores.push_back(parser.parse(entry));
    }
  }
  const bool any = std::ranges::any_of(
      tensors, [](const ExtraTensor& tensor) { return tensor.spec.in_stores; });
  if (any && !has_model &&
      std::ranges::find(stores, kFileStore, &StoreSpec::name) == stores.end())
    stores.push_back({.name = std::string(kFileStore)});
  return stores;
}

std::span<const StoreKey> store_keys() { return kKeys; }
std::vector<std::string> store_copies() { return {"world", "node", "rank"}; }

}  // namespace loadproof::harness
