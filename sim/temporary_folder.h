// A folder of this process's own below the system's temporary folder, which goes with its owner.
#pragma once

#include <filesystem>

#include "sim/result.h"

namespace loadproof::sim {

class TemporaryFolder {
 public:
  // An error tells where none can be made.
  static Result<TemporaryFolder> make();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  // empty: given away
};

}  // namespace loadproof::sim
