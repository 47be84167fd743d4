// The stores of one world: what files hold, and how the bytes in them came to be.
//
// Real files in real folders. Declared stores are shared by worlds until one of them changes its
// own copy. Bytes that ranks save carry their states with them, so that what nobody wrote stays so
// through a file. Owned by one Engine, used by its thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/assets.h"
#include "sim/layout.h"
#include "sim/state.h"
#include "sim/temporary_folder.h"

namespace loadproof::sim {

// A tensor, or a piece of one, as a rank saved it.
struct Saved {
  std::string key;               // of the whole tensor
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;    // of what is saved
  std::vector<std::byte> bytes;
  StateMap states;
  std::optional<Layout> layout;  // in the whole tensor; nothing: it is the whole
  int rank = 0;                  // -1: it was there before the world
};

// What a store has for a key. Points into the store until it changes.
struct Held {
  const CheckpointTensor* tensor = nullptr;
  const Saved* saved = nullptr;  // nullptr: from before the world
};

class Stores {
 public:
  explicit Stores(const Asset& asset) : asset_(asset) {}

  // Everything that has the key, in the order of files; empty: nothing has. Errors are those of
  // opening the store so.
  Result<std::vector<Held>> find(const std::string& store, Trust trust, const std::string& key);
  // All keys, sorted, each once.
  Result<std::vector<std::string>> keys(const std::string& store, Trust trust);

  // Adds to a file of the store, of a key the last writer wins. True: it took the place of other
  // bytes that another rank had saved.
  Result<bool> save(const std::string& store, const std::string& file, Saved saved);

  // Takes bytes from the end of a file. An error: it has fewer.
  Result<void> cut(const std::string& store, const std::string& file, int64_t bytes);
  Result<void> remove(const std::string& store, const std::string& file);
  // Files that a pattern means, sorted.
  std::vector<std::string> files(const std::string& store, const std::string& pattern) const;

 private:
  struct State {
    std::optional<std::filesystem::path> folder;  // of this world's own copy
    std::map<Trust, Checkpoint> opened;
    std::map<std::string, std::map<std::string, Saved>> saved;  // file → key in it
  };
  const Asset& asset_;
  std::optional<TemporaryFolder> own_;
  std::map<std::string, State> states_;

  std::filesystem::path folder_of(const std::string& store) const;
  std::string told(const std::string& store, std::string text) const;
  Result<const Checkpoint*> open(const std::string& store, Trust trust);
  const Saved* saved_as(const std::string& store, const CheckpointTensor& tensor) const;
  // This world's own copy, about to be changed.
  Result<std::filesystem::path> own_copy(const std::string& store);
  // What a file holds before the first save into it.
  Result<void> keep_tensors(const std::filesystem::path& path,
                            std::map<std::string, Saved>& tensors) const;
  static Result<void> write_file(const std::filesystem::path& path,
                                 const std::map<std::string, Saved>& tensors);
  Result<void> write_index(const std::string& store);
};

}  // namespace loadproof::sim
