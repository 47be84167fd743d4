// How the front end reaches files: two functions, so that tests and fuzzers give it a world of
// texts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/result.h"

namespace loadproof::harness {

struct Files {
  std::function<Result<std::string>(const std::string& path)> read;
  // Names of what is in a folder, sorted; empty if there is no such folder.
  std::function<std::vector<std::string>(const std::string& folder)> list;
};

Files disk_files();

// The folder of a path, "" for none; and a path within it, without "." and inner "..".
std::string folder_of(const std::string& path);
std::string join_path(const std::string& folder, const std::string& path);

}  // namespace loadproof::harness
