// The commands of the program, a file each; a row each in commands().
//
// A command adds its options to a subcommand of its own; when that is chosen, its callback does the
// work and sets the exit code. Results go to standard output, what is wrong to standard error.
#pragma once

#include <CLI/App.hpp>
#include <span>
#include <string>
#include <string_view>

namespace loadproof::harness {

enum ExitCode : int {
  kAsExpected = 0,
  kNotAsExpected = 1,
  kBadInput = 2,
};

struct CommandInfo {
  std::string_view name;
  void (*add)(CLI::App& program, int& exit_code);
};

void add_run(CLI::App& program, int& exit_code);
void add_launch(CLI::App& program, int& exit_code);
void add_list(CLI::App& program, int& exit_code);
void add_explain(CLI::App& program, int& exit_code);
void add_memory(CLI::App& program, int& exit_code);
void add_new(CLI::App& program, int& exit_code);
void add_mutate(CLI::App& program, int& exit_code);
void add_inspect(CLI::App& program, int& exit_code);
void add_forward(CLI::App& program, int& exit_code);
void add_schema(CLI::App& program, int& exit_code);
void add_doctor(CLI::App& program, int& exit_code);

std::span<const CommandInfo> commands();

// Prints "error: MESSAGE" to standard error; returns kBadInput.
int bad_input(std::string_view message);

}  // namespace loadproof::harness
