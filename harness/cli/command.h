// The commands of the program: each adds itself to the parser, and one of them runs.
//
// Exit codes: 0 all as expected, 1 not, 2 bad input. Adding a command is one file and one row in
// main.cc.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

#include "harness/plan.h"

namespace loadproof::harness {

inline constexpr int kAllAsExpected = 0;
inline constexpr int kNotAsExpected = 1;
inline constexpr int kBadInput = 2;

// What a parsed command line does: gives the exit code.
using Action = std::function<int()>;

// Each adds a subcommand and sets `action` when that subcommand is the one that was given. `action`
// outlives the parser.
void add_run(CLI::App& app, Action& action);
void add_list(CLI::App& app, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_forward(CLI::App& app, Action& action);
void add_schema(CLI::App& app, Action& action);

// What the commands that take cases share.
struct CaseOptions {
  std::vector<std::string> paths;
  std::vector<std::string> only;
  Overrides wishes;
  std::vector<std::string> replay;  // the options that change what a file says, for replay lines
};
void add_case_options(CLI::App& command, CaseOptions& options);

// The plan, or nothing after its problems have been printed to standard error.
std::optional<Plan> plan_of(CaseOptions& options);

// Prints "loadproof: MESSAGE" to standard error and gives kBadInput.
int bad_input(const std::string& message);

}  // namespace loadproof::harness
