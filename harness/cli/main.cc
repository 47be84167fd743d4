// loadproof: from the command line to a command.
#include <fcntl.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "harness/cli/commands.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Examples:
  loadproof run scenarios/                          every case: pass, fail or skip, and why
  loadproof run x.yaml --only dtype=bfloat16        some cases of one scenario
  loadproof explain x.yaml                          what each rank will do
  loadproof memory x.yaml --svg x.svg               what each rank holds, step by step
  loadproof inspect scenarios/models/qwen2_tied_bf16
  loadproof doctor                                  what this machine can do

Exit code: 0 all as expected, 1 not, 2 bad input.
`loadproof COMMAND --help` tells the rest.)";

// The first word, where it is meant to be a command and is none.
const char* mistaken_command(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return nullptr;
  for (const CommandInfo& command : commands())
    if (command.name == argv[1]) return nullptr;
  return argv[1];
}

int unknown_command(std::string_view given) {
  std::vector<std::string_view> names;
  for (const CommandInfo& command : commands()) names.push_back(command.name);
  std::string message = "there is no command " + in_quotes(given);
  const std::string hint = did_you_mean(given, names);
  if (!hint.empty()) return bad_input(message + hint);
  message += "; there are";
  for (std::string_view name : names) message += " " + std::string(name);
  return bad_input(message);
}

int run_program(int argc, char** argv) {
  if (const char* mistaken = mistaken_command(argc, argv)) return unknown_command(mistaken);
  CLI::App program(
      "Finds out what a distributed model loader really leaves in memory, on every rank.",
      "loadproof");
  program.footer(kFooter);
  program.require_subcommand(1);
  program.set_version_flag("--version", "loadproof 0.1.0");
  int exit_code = kAsExpected;
  for (const CommandInfo& command : commands()) command.add(program, exit_code);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" of code 0; everything else is bad input, whatever its code.
    return program.exit(error) == 0 ? kAsExpected : kBadInput;
  }
  return exit_code;
}

}  // namespace
}  // namespace loadproof::harness

namespace {

// Where a standard stream is closed, the next file that is opened would take its place.
void hold_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream)
    if (fcntl(stream, F_GETFD) == -1 && open("/dev/null", O_RDWR) != stream) std::_Exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  // A reader that goes away, such as `| head`, is no failure: writes then do nothing.
  std::signal(SIGPIPE, SIG_IGN);
  return loadproof::harness::run_program(argc, argv);
}
