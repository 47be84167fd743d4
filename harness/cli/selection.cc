#include "harness/cli/selection.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/settings.h"

namespace loadproof::harness {
namespace {

// Commas part axes, but a part without "=" goes on with the value before it.
Result<Overrides> with_only(const Selection& selection) {
  Overrides overrides = selection.overrides;
  for (std::string_view rest : selection.only) {
    const size_t before = overrides.only.size();
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string part(rest.substr(0, comma));
      rest.remove_prefix(std::min(rest.size(), comma + 1));
      const size_t equals = part.find('=');
      if (equals != std::string::npos && equals > 0)
        overrides.only.emplace_back(part.substr(0, equals), part.substr(equals + 1));
      else if (overrides.only.size() > before)
        overrides.only.back().second += "," + part;
      else
        return fail(fmt::format("--only: '{}' is not axis=value", part));
    }
  }
  return overrides;
}

}  // namespace

void add_selection(CLI::App& command, Selection& selection) {
  Overrides& overrides = selection.overrides;
  command.add_option("paths", selection.paths, "Scenario files, folders of them, or case ids")
      ->type_name("PATH")
      ->required();
  command.add_option("--only", selection.only, "Only cases with these values of axes")
      ->type_name("AXIS=VALUE,…")
      ->allow_extra_args(false);
  command.add_option("--ranks", overrides.ranks, "World size")->type_name("N");
  command.add_option("--dtype", overrides.dtype, "Dtype asked of the model")->type_name("DTYPE");
  command.add_option("--model", overrides.model, "Model directory")->type_name("DIR");
  command
      .add_option("--fill", overrides.fill,
                  fmt::format("What memory holds that nobody wrote: {}, or all of them in turn",
                              fmt::join(fill_names(), ", ")))
      ->type_name("FILL");
  command
      .add_option("--backend", overrides.backend,
                  fmt::format("What moves the bytes: {}", fmt::join(backend_names(), ", ")))
      ->type_name("NAME");
  command
      .add_option("--device", overrides.device,
                  fmt::format("Where tensors really are: {}", fmt::join(device_names(), ", ")))
      ->type_name("NAME");
  command.add_flag("--dry", overrides.dry,
                   "Run on shapes alone, without bytes, at any size; judges memory, no_hang, "
                   "no_error and no_vacuous");
  command.add_option("--seed", overrides.seed, "Seed of everything random")->type_name("N");
}

std::optional<std::vector<Case>> select_cases(const Selection& selection) {
  auto overrides = with_only(selection);
  if (!overrides) {
    bad_input(overrides.error().message);
    return std::nullopt;
  }
  Plan plan = make_plan(selection.paths, *overrides, disk_files());
  if (plan.problems.empty()) return std::move(plan.cases);
  for (const std::string& problem : plan.problems) print_error("{}", problem);
  return std::nullopt;
}

std::vector<std::string> override_words(const Selection& selection) {
  const Overrides& overrides = selection.overrides;
  std::vector<std::string> words;
  auto add = [&](std::string_view option, std::string value) {
    words.emplace_back(option);
    words.push_back(std::move(value));
  };
  if (overrides.ranks) add("--ranks", std::to_string(*overrides.ranks));
  if (overrides.dtype) add("--dtype", *overrides.dtype);
  if (overrides.model) add("--model", *overrides.model);
  if (overrides.dry) words.emplace_back("--dry");
  return words;
}

std::vector<std::string> all_words(const Selection& selection) {
  const Overrides& overrides = selection.overrides;
  std::vector<std::string> words = override_words(selection);
  for (const std::string& only : selection.only) words.insert(words.end(), {"--only", only});
  if (overrides.fill) words.insert(words.end(), {"--fill", *overrides.fill});
  if (overrides.backend) words.insert(words.end(), {"--backend", *overrides.backend});
  if (overrides.device) words.insert(words.end(), {"--device", *overrides.device});
  if (overrides.seed) words.insert(words.end(), {"--seed", std::to_string(*overrides.seed)});
  words.push_back("--");
  words.insert(words.end(), selection.paths.begin(), selection.paths.end());
  return words;
}

}  // namespace loadproof::harness
