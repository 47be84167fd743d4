#include "harness/cli/commands.h"

#include "harness/cli/output.h"

namespace loadproof::harness {
namespace {

constexpr CommandInfo kCommands[] = {
    {"run", add_run},         {"launch", add_launch},   {"list", add_list},
    {"explain", add_explain}, {"memory", add_memory},   {"new", add_new},
    {"mutate", add_mutate},   {"inspect", add_inspect}, {"forward", add_forward},
    {"schema", add_schema},   {"doctor", add_doctor},
};

}  // namespace

std::span<const CommandInfo> commands() { return kCommands; }

int bad_input(std::string_view message) {
  print_error("error: {}\n", message);
  return kBadInput;
}

}  // namespace loadproof::harness
