// loadproof mutate: which mistakes in a loader no oracle would notice.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/cli/json_text.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"
#include "harness/cli/terminal.h"
#include "harness/mutants.h"
#include "harness/reporters/output_file.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Each step of each case that must pass wholly is dropped, run twice, swapped with the next, run on
other ranks and from another src, one change at a time. What no oracle notices is listed. "same
result": all ranks hold the same bits at the end, scratch memory left out, and every sample that
still runs draws the same tokens; what stores hold is not compared.

Exit code: 0 no survivor has another result, 1 some have, 2 bad input.

Examples:
  loadproof mutate x.yaml --only variant=fixed
  loadproof mutate scenarios/smoke --json mutants.json)";

struct Options {
  Selection selection;
  std::string json;
};

std::string_view name(Fate fate) {
  switch (fate) {
    case Fate::kCaught:
      return "caught";
    case Fate::kRefused:
      return "refused";
    case Fate::kSurvived:
      return "survived";
  }
  return "";
}

class Mutation {
 public:
  // Without a file, nothing is written as JSON.
  Mutation(size_t cases, std::optional<OutputFile> json)
      : cases_(cases), json_(std::move(json)), terminal_(is_terminal()) {}

  // An error: the case does not pass as it is.
  Result<void> run(const Case& plan) {
    const CaseResult original = run_case(session_, plan, {});
    if (original.status != Status::kPass)
      return fail(fmt::format("{} does not pass as it is: {}", plan.id, original.replay));
    ++done_;
    std::vector<Mutant> mutants = mutants_of(plan);
    std::string survivors;
    const Widths widths = widths_of(mutants);
    for (size_t i = 0; i < mutants.size(); ++i) {
      show_progress(i, mutants.size());
      const Trial trial = try_mutant(session_, plan, original.observation, mutants[i]);
      count(trial);
      write_json(plan, mutants[i], trial);
      if (trial.fate == Fate::kSurvived)
        survivors +=
            fmt::format("  {:{}}  {:{}}  {}\n", mutants[i].step, widths.step, mutants[i].change,
                        widths.change, trial.same_result ? "same result" : "ANOTHER RESULT");
    }
    clear_progress();
    if (!survivors.empty()) print_out("{}\n{}", plan.id, survivors);
    return {};
  }

  int end() {
    print_out("{} of {}: {} caught{}, {} survived, {} of them with the same result\n",
              count_text(mutants_, "mutant"), count_text(static_cast<int64_t>(done_), "case"),
              caught_ + refused_, catchers(), survived_, same_);
    if (json_) {
      json_->write("\n]}\n");
      if (auto written = json_->finish(); !written) return bad_input(written.error().message);
    }
    return survived_ > same_ ? kNotAsExpected : kAsExpected;
  }

 private:
  struct Widths {
    size_t step = 0, change = 0;
  };

  size_t cases_, done_ = 0;
  std::optional<OutputFile> json_;
  bool terminal_;
  sim::Session session_;
  int64_t mutants_ = 0, caught_ = 0, refused_ = 0, survived_ = 0, same_ = 0;
  std::map<std::string, int64_t> by_oracle_;

  static Widths widths_of(const std::vector<Mutant>& mutants) {
    Widths widths;
    for (const Mutant& mutant : mutants) {
      widths.step = std::max(widths.step, mutant.step.size());
      widths.change = std::max(widths.change, mutant.change.size());
    }
    return widths;
  }

  void count(const Trial& trial) {
    ++mutants_;
    caught_ += trial.fate == Fate::kCaught;
    refused_ += trial.fate == Fate::kRefused;
    survived_ += trial.fate == Fate::kSurvived;
    same_ += trial.same_result;
    for (const std::string& oracle : trial.caught_by) ++by_oracle_[oracle];
  }

  // " (ckpt 9, replicas 7, refused 1)": who caught most stands first.
  std::string catchers() const {
    std::vector<std::pair<std::string, int64_t>> order(by_oracle_.begin(), by_oracle_.end());
    std::ranges::stable_sort(order, std::ranges::greater(),
                             &std::pair<std::string, int64_t>::second);
    if (refused_ > 0) order.emplace_back("refused", refused_);
    std::vector<std::string> words;
    for (const auto& [oracle, times] : order) words.push_back(fmt::format("{} {}", oracle, times));
    return words.empty() ? "" : fmt::format(" ({})", fmt::join(words, ", "));
  }

  void write_json(const Case& plan, const Mutant& mutant, const Trial& trial) {
    if (!json_) return;
    std::vector<std::string> oracles;
    for (const std::string& oracle : trial.caught_by) oracles.push_back(json_text(oracle));
    json_->write(fmt::format(
        "{}\n{{\"case\": {}, \"step\": {}, \"change\": {}, \"fate\": \"{}\", \"caught_by\": [{}], "
        "\"same_result\": {}}}",
        mutants_ > 1 ? "," : "{\"schema_version\": 1, \"mutants\": [", json_text(plan.id),
        json_text(mutant.step), json_text(mutant.change), name(trial.fate),
        fmt::join(oracles, ", "), trial.same_result));
  }

  void show_progress(size_t mutant, size_t mutants) const {
    if (!terminal_) return;
    print_out("\r\x1b[K[case {}/{}, mutant {}/{}] {} survived", done_, cases_, mutant + 1, mutants,
              survived_);
    std::cout.flush();
  }

  void clear_progress() const {
    if (terminal_) print_out("\r\x1b[K");
  }
};

int mutate(const Options& options) {
  auto plan = select_cases(options.selection);
  if (!plan) return kBadInput;
  const size_t selected = plan->size();
  std::erase_if(*plan, [](const Case& one) { return !must_pass_wholly(one); });
  if (plan->empty())
    return bad_input(fmt::format("of {} none must pass wholly, so that nothing would tell a mutant",
                                 count_text(static_cast<int64_t>(selected), "case")));
  std::optional<OutputFile> json;
  if (!options.json.empty()) {
    auto created = OutputFile::create(options.json);
    if (!created) return bad_input(created.error().message);
    json = std::move(*created);
  }
  Mutation mutation(plan->size(), std::move(json));
  for (const Case& one : *plan)
    if (auto done = mutation.run(one); !done) return bad_input(done.error().message);
  return mutation.end();
}

}  // namespace

void add_mutate(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("mutate", "Make mistakes and say which no oracle notices");
  command->footer(kFooter);
  add_selection(*command, options->selection);
  command->add_option("--json", options->json, "Every mutant and what became of it")
      ->type_name("FILE");
  command->callback([options, &exit_code] { exit_code = mutate(*options); });
}

}  // namespace loadproof::harness
