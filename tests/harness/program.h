// The program from outside: run as a shell runs it, in a folder of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/replay.h"

namespace loadproof::harness {

struct Ended {
  int code = -1;
  std::string out, err;
};

class Program : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  static std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // `arguments` as a shell reads them; `before` may set variables.
  Ended run(const std::string& arguments, const std::string& before = "") const {
    const std::string line = before + " " + shell_word(LOADPROOF_PROGRAM) + " " + arguments;
    return shell("{ " + line + " ; } > " + path("out") + " 2> " + path("err"));
  }
  Ended shell(const std::string& line) const {
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(path("out")),
            text_of(path("err"))};
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("loadproof_cli_" + std::to_string(getpid()));
};

}  // namespace loadproof::harness
