#include "harness/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace loadproof::harness {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return fail(fmt::format("{} is a folder", path));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  std::ostringstream text;
  text << stream.rdbuf();
  if (stream.bad()) return fail(fmt::format("cannot read {}", path));
  return std::move(text).str();
}

std::vector<std::string> list_folder(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  const std::string place = folder.empty() ? "." : folder;
  for (auto it = std::filesystem::directory_iterator(place, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Files disk_files() { return {.read = read_file, .list = list_folder}; }

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string join_path(const std::string& folder, const std::string& path) {
  std::string joined = (std::filesystem::path(folder) / path).lexically_normal().string();
  while (joined.size() > 1 && joined.ends_with('/')) joined.pop_back();
  return joined;
}

}  // namespace loadproof::harness
