// One copy of a store: the files of a folder, and how the bytes in them came to be.
//
// Files are real. A declared store is shared by worlds until one of them changes its own copy.
// Bytes that ranks save carry their states with them, so that what nobody wrote stays so through a
// file; and bytes that a fault has changed are never again those of a tensor. Owned by the Stores
// of one Engine, used by its thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sim/assets.h"
#include "sim/checkpoint/damage.h"
#include "sim/layout.h"
#include "sim/state.h"

namespace loadproof::sim {

// A tensor, or a piece of one, as a rank saved it.
struct Saved {
  std::string key;               // of the whole tensor
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;    // of what is saved
  std::vector<std::byte> bytes;
  StateMap states;               // without an origin where the file's own bytes are
  std::optional<Layout> layout;  // in the whole tensor; nothing: it is the whole
  int rank = 0;                  // -1: it was there before the world
};

// What a store has for a key. The tensor points into the store until it changes.
struct Held {
  const CheckpointTensor* tensor = nullptr;
  std::optional<Layout> layout;  // of a piece that a rank saved
  StateMap states;               // as those of Saved
  std::filesystem::path file;    // that has it
};

enum class IndexAfterSave : uint8_t {
  kUpdate,  // names all that has been saved in this world
  kLeave,   // says what it said, or is not there
  kNone,    // is gone
};

enum class Overwrite : uint8_t { kZero, kFlip };

class Store {
 public:
  // Where the store's own copy is put: made when it is first changed.
  using Room = std::function<Result<std::filesystem::path>()>;
  Store(std::string name, const Asset& asset, Room room)
      : name_(std::move(name)), asset_(asset), room_(std::move(room)) {}

  // Everything that has the key, in the order of files; empty: nothing has. Errors are those of
  // opening the store so.
  Result<std::vector<Held>> find(const Reading& reading, const std::string& key);
  // All keys, sorted, each once.
  Result<std::vector<std::string>> keys(const Reading& reading);
  // The same of every file that has a header, whatever else is wrong.
  std::set<std::string> readable_keys() const;
  // Files that a pattern means, sorted.
  std::vector<std::string> files(const std::string& pattern) const;

  // Whether it was changed, or meant to be, since its knowledge was last written or read.
  bool has_news() const { return has_news_; }
  // What is known of the bytes in its files, as a file; the files themselves lie where they lie.
  // Read by the same copy in another process, whose table of origins is another.
  Result<void> write_knowledge(const std::filesystem::path& to, const OriginTable& origins);
  Result<void> read_knowledge(const std::filesystem::path& from, OriginTable& origins);

  // Adds to a file, of a key the last writer wins. What cannot be read of a damaged file is gone.
  // True: it took the place of other bytes that another rank had saved.
  Result<bool> save(const std::string& file, Saved saved, IndexAfterSave index);
  // A file of this store becomes one of another, in place of what that has under the name.
  Result<void> move_file(const std::string& file, Store& to, const std::string& as, bool copy);
  Result<void> remove(const std::string& file);

  // ---- faults: bytes that they change have the origin from then on ----

  // Takes bytes from the end of a file. An error: it has fewer.
  Result<void> cut(const std::string& file, int64_t bytes);
  Result<void> append(const std::string& file, int64_t bytes, OriginId origin);
  // `count` bytes from `at` on, of the file's data, or of one tensor's; negative: from its end.
  // False: the file has no such tensor.
  Result<bool> overwrite(const std::string& file, const std::string& tensor, int64_t at,
                         int64_t count, Overwrite how, OriginId origin);
  // False: the file has no such tensor.
  Result<bool> retell(const std::string& file, const HeaderChange& change, OriginId origin);

 private:
  struct Fault {
    int64_t begin = 0, end = 0;  // bytes of the file
    OriginId origin = kNoOrigin;
  };
  struct File {
    std::map<std::string, Saved> saved;       // by key in the file; empty: nobody saved into it
    std::vector<Fault> faults;                // the last one counts
    std::map<std::string, OriginId> retold;   // keys of which the header tells something else
    bool damaged = false;                     // `saved` is not what the file has
  };
  const std::string name_;
  const Asset& asset_;
  const Room room_;
  std::optional<std::filesystem::path> own_;  // of this copy; nothing: as declared
  std::map<Reading, Checkpoint> opened_;
  std::map<std::string, File> files_;
  bool has_news_ = false;

  std::filesystem::path folder() const;
  std::string told(std::string text) const;
  Result<const Checkpoint*> open(const Reading& reading);
  Held held(const CheckpointTensor& tensor) const;
  // Lays what faults have changed over the states of a tensor's bytes, which begin at `at`.
  static void lay_over(const File& file, const std::string& key, int64_t at, int64_t item,
                       StateMap& states);
  // This copy, about to be changed.
  Result<std::filesystem::path> own_copy();
  // What a file holds before a save into it.
  Result<void> keep_tensors(const std::filesystem::path& path, File& file) const;
  Result<void> write_index();
  Result<std::vector<std::byte>> bytes_of(const std::string& file);
  Result<void> write_bytes(const std::string& file, const std::vector<std::byte>& bytes);
};

}  // namespace loadproof::sim
