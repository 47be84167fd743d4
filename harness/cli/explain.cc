// loadproof explain: what each rank of each case will do.
#include "harness/explain.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Recipes are expanded, patches applied and defaults filled in; nothing runs. Ranks that run the
same steps share a column; a smaller world (--ranks) has fewer.

Examples:
  loadproof explain x.yaml
  loadproof explain x.yaml --only variant=5.4.0 --ranks 4)";

int explain_all(const Selection& selection) {
  auto plan = select_cases(selection);
  if (!plan) return kBadInput;
  for (size_t i = 0; i < plan->size(); ++i)
    print_out("{}{}", i > 0 ? "\n" : "", explain((*plan)[i]));
  return kAsExpected;
}

}  // namespace

void add_explain(CLI::App& program, int& exit_code) {
  auto selection = std::make_shared<Selection>();
  CLI::App* command = program.add_subcommand("explain", "Print the program of each rank, expanded");
  command->footer(kFooter);
  add_selection(*command, *selection);
  command->callback([selection, &exit_code] { exit_code = explain_all(*selection); });
}

}  // namespace loadproof::harness
