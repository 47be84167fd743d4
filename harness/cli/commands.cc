#include "harness/cli/commands.h"

#include <fmt/format.h>

#include <cstdio>

namespace loadproof::harness {
namespace {

constexpr CommandInfo kCommands[] = {
    {"run", add_run},         {"list", add_list},       {"explain", add_explain},
    {"inspect", add_inspect}, {"forward", add_forward}, {"schema", add_schema},
};

}  // namespace

std::span<const CommandInfo> commands() { return kCommands; }

int bad_input(std::string_view message) {
  fmt::print(stderr, "error: {}\n", message);
  return kBadInput;
}

}  // namespace loadproof::harness
