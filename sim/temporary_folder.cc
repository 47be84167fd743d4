#include "sim/temporary_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace loadproof::sim {

namespace fs = std::filesystem;

Result<TemporaryFolder> TemporaryFolder::make() {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  std::string pattern = ((error ? fs::path("/tmp") : base) / "loadproof-XXXXXX").string();
  if (mkdtemp(pattern.data())) return TemporaryFolder(pattern);
  return fail(fmt::format("cannot make a folder {}: {}", pattern, std::strerror(errno)));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace loadproof::sim
