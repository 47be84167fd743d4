// loadproof list: which cases there are.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/json_text.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Examples:
  loadproof list scenarios/
  loadproof list scenarios/smoke --labels      an id, a tab, its labels parted by commas
  loadproof list x.yaml --json)";

struct Options {
  Selection selection;
  bool labels = false;
  bool json = false;
};

std::string as_json(const Case& plan) {
  std::vector<std::string> labels, axes;
  for (const std::string& label : plan.labels) labels.push_back(json_text(label));
  for (const auto& [axis, value] : plan.axes)
    axes.push_back(fmt::format("{}: {}", json_text(axis), json_text(value)));
  return fmt::format("{{\"id\": {}, \"scenario\": {}, \"labels\": [{}], \"axes\": {{{}}}}}",
                     json_text(plan.id), json_text(plan.scenario), fmt::join(labels, ", "),
                     fmt::join(axes, ", "));
}

int list(const Options& options) {
  auto plan = select_cases(options.selection);
  if (!plan) return kBadInput;
  if (options.json) {
    std::vector<std::string> cases;
    for (const Case& one : *plan) cases.push_back(as_json(one));
    print_out("{{\"schema_version\": 1, \"cases\": [\n{}\n]}}\n", fmt::join(cases, ",\n"));
    return kAsExpected;
  }
  for (const Case& one : *plan)
    print_out("{}{}\n", one.id,
               options.labels ? fmt::format("\t{}", fmt::join(one.labels, ",")) : "");
  return kAsExpected;
}

}  // namespace

void add_list(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("list", "Print the ids of cases");
  command->footer(kFooter);
  add_selection(*command, options->selection);
  command->add_flag("--labels", options->labels, "The labels of each case, too");
  command->add_flag("--json", options->json, "As JSON, with axes and labels");
  command->callback([options, &exit_code] { exit_code = list(*options); });
}

}  // namespace loadproof::harness
