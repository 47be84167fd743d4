// A report's file, which appears under its name only when it is whole.
//
// Written as PATH.tmp and renamed by finish(); what an interrupted run wrote stays in PATH.tmp.
#pragma once

#include <fstream>
#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::harness {

class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path);
  void write(std::string_view text);
  // To the file, so that what has been written so far outlives this process.
  void flush() { stream_.flush(); }
  Result<void> finish();

 private:
  std::string path_;
  std::ofstream stream_;
  std::string temporary() const { return path_ + ".tmp"; }
};

}  // namespace loadproof::harness
