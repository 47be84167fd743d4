#include <fmt/format.h>

#include "harness/cli/command.h"
#include "sim/dtype.h"

namespace loadproof::harness {
namespace {

// "a=b,c=d" into pairs. CLI11 has split at the commas already.
bool split_only(const std::vector<std::string>& texts, Overrides& wishes) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      bad_input(fmt::format("--only takes axis=value, not '{}'", text));
      return false;
    }
    wishes.only.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return true;
}

template <typename T>
void remember(const char* option, const std::optional<T>& value, std::vector<std::string>& replay) {
  if (value) replay.insert(replay.end(), {option, fmt::format("{}", *value)});
}

}  // namespace

void add_case_options(CLI::App& command, CaseOptions& options) {
  command.add_option("PATH", options.paths, "scenario files, folders, or the id of one case")
      ->required();
  command
      .add_option("--only", options.only,
                  "only cases with these axis values, as variant=5.4.0,dtype=bfloat16")
      ->delimiter(',');
  command.add_option("--backend", options.wishes.backend, "what moves the bytes: gloo or sim");
  command.add_option("--ranks", options.wishes.ranks, "world size, instead of the scenario's");
  command.add_option("--dtype", options.wishes.dtype, "dtype of the model, as bfloat16");
  command.add_option("--model", options.wishes.model, "model directory, instead of the scenario's");
  command.add_option("--fill", options.wishes.fill,
                     "what undefined memory holds, or `all` for a case each");
  command.add_option("--seed", options.wishes.seed, "seed of the world");
}

std::optional<Plan> plan_of(CaseOptions& options) {
  if (!split_only(options.only, options.wishes)) return std::nullopt;
  remember("--ranks", options.wishes.ranks, options.replay);
  remember("--dtype", options.wishes.dtype, options.replay);
  remember("--model", options.wishes.model, options.replay);
  Plan plan = make_plan(options.paths, options.wishes, disk_files());
  for (const std::string& problem : plan.problems) fmt::print(stderr, "{}", problem);
  if (!plan.problems.empty() || plan.cases.empty()) return std::nullopt;
  return plan;
}

int bad_input(const std::string& message) {
  fmt::print(stderr, "loadproof: {}\n", message);
  return kBadInput;
}

}  // namespace loadproof::harness
