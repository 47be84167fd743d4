// A file mapped read-only into memory, for as long as the object lives.
//
// Move-only; moving keeps the address of the bytes. Const, so any number of threads may read it.
// The pages are private to this process and are read from disk when they are touched. A file that
// someone truncates while it is mapped makes reads beyond its new end fatal (SIGBUS), as with every
// mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "sim/result.h"

namespace loadproof::sim {

class MappedFile {
 public:
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // Page-aligned; empty for an empty file.
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  friend Result<MappedFile> map_file(const std::filesystem::path& path);
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

// Fails with the path and the system's reason when the file cannot be opened, is not a regular file
// or cannot be mapped.
Result<MappedFile> map_file(const std::filesystem::path& path);

// Some bytes of a file, which may be written: a page that is becomes this process's own, and the
// file stays as it is. REQUIRES: the file has them. They live as long as the pointer.
Result<std::shared_ptr<std::byte>> map_private(const std::filesystem::path& path, int64_t begin,
                                               int64_t bytes);

}  // namespace loadproof::sim
