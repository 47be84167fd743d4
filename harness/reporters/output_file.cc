#include "harness/reporters/output_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace loadproof::harness {

Result<OutputFile> OutputFile::create(const std::string& path) {
  OutputFile file;
  file.path_ = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fail(fmt::format("cannot write {}: it is a folder", path));
  errno = 0;
  file.stream_.open(file.temporary(), std::ios::binary | std::ios::trunc);
  if (!file.stream_)
    return fail(fmt::format("cannot write {}: {}", file.temporary(), std::strerror(errno)));
  return file;
}

void OutputFile::write(std::string_view text) {
  stream_.write(text.data(), static_cast<std::streamsize>(text.size()));
}

Result<void> OutputFile::finish() {
  stream_.close();
  if (stream_.fail()) return fail(fmt::format("cannot write all of {}", temporary()));
  std::error_code error;
  std::filesystem::rename(temporary(), path_, error);
  if (error)
    return fail(fmt::format("cannot rename {} to {}: {}", temporary(), path_, error.message()));
  return {};
}

}  // namespace loadproof::harness
