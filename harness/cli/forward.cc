// loadproof forward: a model's logits and greedy tokens, from its checkpoint alone.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/json_text.h"
#include "harness/cli/output.h"
#include "harness/settings.h"
#include "sim/checkpoint/nearest.h"
#include "sim/tools.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(With --json: {"logits": [position][vocabulary], "greedy": [token…]}; NaN and inf are null.

Examples:
  loadproof forward --model scenarios/models/qwen2_tied_bf16 --prompt 5,17,42,99,3 --tokens 8
  loadproof forward --model DIR --prompt 5,17 --dtype float32 --attention eager --json)";

struct Options {
  sim::ForwardQuery query;
  std::string dtype;
  bool json = false;
};

void print_json(const sim::ForwardResult& result) {
  std::vector<std::string> rows;
  for (const std::vector<float>& row : result.logits) {
    std::vector<std::string> numbers;
    for (float value : row) numbers.push_back(json_number(value));
    rows.push_back(fmt::format("[{}]", fmt::join(numbers, ", ")));
  }
  print_out("{{\"logits\": [{}],\n \"greedy\": [{}]}}\n", fmt::join(rows, ",\n  "),
             fmt::join(result.greedy, ", "));
}

// The greatest of a position's logits, a NaN being the greatest of all, as in torch.
size_t argmax(const std::vector<float>& row) {
  size_t best = 0;
  for (size_t i = 0; i < row.size() && !std::isnan(row[best]); ++i)
    if (std::isnan(row[i]) || row[i] > row[best]) best = i;
  return best;
}

void print_table(const Options& options, const sim::ForwardResult& result) {
  print_out("{:>8}  {:>8}  {:>8}  {:>12}  {:>12}  {:>8}\n", "position", "token", "argmax", "max",
             "mean", "NaN, inf");
  for (size_t i = 0; i < result.logits.size(); ++i) {
    const std::vector<float>& row = result.logits[i];
    const size_t best = argmax(row);
    double sum = 0;
    for (float value : row) sum += static_cast<double>(value);
    const auto strange = std::ranges::count_if(row, [](float v) { return !std::isfinite(v); });
    print_out("{:>8}  {:>8}  {:>8}  {:>12.6g}  {:>12.6g}  {:>8}\n", i, options.query.prompt[i],
               best, row[best], sum / static_cast<double>(row.size()), strange);
  }
  if (options.query.tokens > 0) print_out("greedy: {}\n", fmt::join(result.greedy, ", "));
}

int forward(Options options) {
  if (!options.dtype.empty()) {
    options.query.dtype = dtype_named(options.dtype);
    if (!options.query.dtype)
      return bad_input(fmt::format("--dtype: there is no dtype '{}'", options.dtype));
  }
  if (options.query.prompt.empty()) return bad_input("--prompt: there must be at least one token");
  if (options.query.tokens < 0) return bad_input("--tokens: cannot be negative");
  const std::vector<std::string> kinds = attention_names();
  if (std::ranges::find(kinds, options.query.attention) == kinds.end())
    return bad_input(fmt::format("--attention: there is no {}; there are {}",
                                 in_quotes(options.query.attention), fmt::join(kinds, ", ")));
  auto result = sim::forward_model(options.query);
  if (!result) return bad_input(result.error().message);
  if (options.json)
    print_json(*result);
  else
    print_table(options, *result);
  return kAsExpected;
}

}  // namespace

void add_forward(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("forward", "Print a model's logits and greedy tokens");
  command->footer(kFooter);
  command->add_option("--model", options->query.model, "Model directory")
      ->type_name("DIR")
      ->required();
  command->add_option("--prompt", options->query.prompt, "Token ids, parted by commas")
      ->type_name("ID,…")
      ->delimiter(',')
      ->required();
  command->add_option("--tokens", options->query.tokens, "Tokens to append greedily")
      ->type_name("N");
  command->add_option("--dtype", options->dtype, "Default: the config's own")->type_name("DTYPE");
  command->add_option("--attention", options->query.attention, "sdpa (default) or eager")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "As JSON, all logits");
  command->callback([options, &exit_code] { exit_code = forward(*options); });
}

}  // namespace loadproof::harness
