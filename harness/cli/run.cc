// loadproof run: cases in, verdicts out.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/rank_process.h"
#include "harness/cli/selection.h"
#include "harness/cli/terminal.h"
#include "harness/cli/workers.h"
#include "harness/fill_twins.h"
#include "harness/launch_env.h"
#include "harness/needs.h"
#include "harness/processes.h"
#include "harness/reporters/reporters.h"
#include "harness/runner.h"
#include "sim/machine.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(A case passes when its oracles say what its scenario expects of them: a defective loader
passes where exactly the named oracle fails at the named place. Under each failure stands the line
that runs exactly that case again.

Examples:
  loadproof run scenarios/
  loadproof run scenarios/smoke/ram_efficient_loading.yaml --only variant=5.4.0 --verbose
  loadproof run scenarios/ --fill all --twice --jobs 2 --junit junit.xml
  loadproof run x.yaml --backend sim --ranks 64 --json report.json)";

constexpr std::string_view kOwnProcess = "0/1";  // the share of a worker that runs one case

struct Options {
  Selection selection;
  bool twice = false;
  bool verbose = false;
  std::string json, junit;
  int64_t jobs = 1;
  bool processes = false;
  double patience = 60;
  std::string share;  // "I/N": this process is a worker
};

ReporterOptions reporter_options(const Options& options) {
  const char* github = std::getenv("GITHUB_ACTIONS");
  ReporterOptions made;
  if (!options.share.empty()) {
    made.lines = &std::cout;
    return made;
  }
  made.out = &std::cout;
  made.terminal = is_terminal();
  made.colour = wants_colour();
  made.verbose = options.verbose;
  made.json = options.json;
  made.junit = options.junit;
  made.annotations = github && std::string_view(github) == "true";
  return made;
}

// The cases of a worker: every N-th. False: the text is no share.
bool keep_share(std::vector<Case>& plan, const std::string& share) {
  size_t index = 0, count = 0;
  if (std::sscanf(share.c_str(), "%zu/%zu", &index, &count) != 2 || index >= count) return false;
  std::vector<Case> kept;
  for (size_t i = index; i < plan.size(); i += count) kept.push_back(std::move(plan[i]));
  plan = std::move(kept);
  return true;
}

class Run {
 public:
  Run(const Options& options, std::vector<std::unique_ptr<Reporter>> reporters)
      : options_(options), reporters_(std::move(reporters)) {}

  // With `apart`, as rank 0 of several processes.
  int operator()(const std::vector<Case>& plan, const ProcessesOptions* apart = nullptr) {
    const auto start = std::chrono::steady_clock::now();
    for (auto& reporter : reporters_) reporter->begin(plan.size());
    if (apart)
      run_apart(plan, *apart);
    else if (const auto jobs = std::min(static_cast<size_t>(options_.jobs), plan.size()); jobs > 1)
      run_shared(plan, jobs);
    else
      run_here(plan);
    summary_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return end();
  }
  // Whether ranks in other processes are.
  bool lost() const { return lost_; }

 private:
  const Options& options_;
  bool lost_ = false;
  std::vector<std::unique_ptr<Reporter>> reporters_;
  RunSummary summary_;
  FillTwins twins_;
  std::optional<sim::CudaMachine> machine_;  // once a case needs it

  void run_here(const std::vector<Case>& plan) {
    sim::Session session;
    const RunOptions how{options_.twice, override_words(options_.selection)};
    for (const Case& one : plan) {
      if (std::optional<std::string> why = lacks(one))
        take({.plan = one, .status = Status::kSkip, .error = std::move(*why)});
      else if (needs_own_process(one) && options_.share != kOwnProcess)
        run_alone(one);
      else
        take(run_case(session, one, how));
    }
  }

  // Asks for GPUs only where a case needs some.
  std::optional<std::string> lacks(const Case& one, int ranks_here = INT_MAX) {
    if (gpus_needed(one) == 0) return std::nullopt;
    if (!machine_) machine_ = sim::look_for_devices();
    const Overrides& overrides = options_.selection.overrides;
    return lacks_gpus(one, overrides.device == "cuda" || overrides.backend == "nccl", *machine_,
                      ranks_here);
  }

  void run_alone(const Case& one) {
    Selection only_this = options_.selection;
    only_this.only.clear();
    only_this.paths = {one.id};
    run_in_workers({one}, 1, words_for_workers(only_this),
                   [this](CaseResult result) { take(std::move(result)); });
  }

  void run_apart(const std::vector<Case>& plan, const ProcessesOptions& how) {
    ProcessesOptions asking = how;
    const int here = how.launched.local_ranks;
    asking.lacks = [this, here](const Case& one) { return lacks(one, here > 0 ? here : INT_MAX); };
    lost_ = !run_as_first(plan, asking, [this](CaseResult result) { take(std::move(result)); });
  }

  void run_shared(const std::vector<Case>& plan, size_t jobs) {
    run_in_workers(plan, jobs, words_for_workers(options_.selection),
                   [this](CaseResult result) { take(std::move(result)); });
  }

  std::vector<std::string> words_for_workers(const Selection& selection) const {
    std::vector<std::string> words = all_words(selection);
    if (options_.twice) words.insert(words.begin(), "--twice");
    return words;
  }

  void take(CaseResult result) {
    if (options_.share.empty()) twins_.check(result);
    summary_.passed += result.status == Status::kPass;
    summary_.failed += result.status == Status::kFail;
    summary_.skipped += result.status == Status::kSkip;
    summary_.errors += result.status == Status::kError;
    for (auto& reporter : reporters_) reporter->add(result);
  }

  int end() {
    int exit_code = summary_.errors > 0 ? kBadInput
                    : summary_.failed > 0 ? kNotAsExpected : kAsExpected;
    for (auto& reporter : reporters_)
      if (auto ended = reporter->end(summary_); !ended)
        exit_code = bad_input(ended.error().message);
    return exit_code;
  }
};

// This process is one of several, one for each rank.
int run_rank(const Options& options, const std::vector<Case>& plan) {
  const Environment environment = process_environment();
  const auto launched = read_launch_environment(environment);
  if (!launched) return bad_input("--processes: " + launched.error().message);
  const auto end_at = read_end_at(environment);
  if (!end_at) return bad_input(end_at.error().message);
  RankProcess process(launched->rank);
  const ProcessesOptions how{
      .launched = *launched,
      .patience = std::chrono::milliseconds(static_cast<int64_t>(options.patience * 1000)),
      .how = {options.twice, override_words(options.selection)},
      .cannot_go_on = [&](const std::string& why) { process.end_at_once(why); },
      .first_ended = first_ended_as_told(environment),
      .told_to_end = [&] { return process.told_to_end(); },
      .end_at = *end_at};
  if (launched->rank > 0) {
    if (auto done = run_as_other(plan, how); !done) process.end_at_once(done.error().message);
    return kAsExpected;
  }
  ReporterOptions how_to_tell = reporter_options(options);
  // mpirun gives each process a terminal, whoever reads in the end.
  if (launched->by != "torchrun") how_to_tell.terminal = how_to_tell.colour = false;
  auto reporters = make_reporters(how_to_tell);
  if (!reporters) return bad_input(reporters.error().message);
  Run run(options, std::move(*reporters));
  const int exit_code = run(plan, &how);
  if (run.lost()) process.end_at_once("");
  return exit_code;
}

int run(const Options& options) {
  if (options.jobs < 1) return bad_input("--jobs: there must be at least one");
  if (options.processes && options.jobs > 1)
    return bad_input("--jobs: with --processes, all of them run one case after the other");
  if (options.patience <= 0) return bad_input("--patience: there must be some");
  auto plan = select_cases(options.selection);
  if (!plan) return kBadInput;
  if (options.processes) return run_rank(options, *plan);
  if (!options.share.empty() && !keep_share(*plan, options.share))
    return bad_input(fmt::format("--share: '{}' is not I/N", options.share));
  auto reporters = make_reporters(reporter_options(options));
  if (!reporters) return bad_input(reporters.error().message);
  return Run(options, std::move(*reporters))(*plan);
}

}  // namespace

void add_run(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("run", "Run cases and say which went as expected");
  command->footer(kFooter);
  add_selection(*command, options->selection);
  command->add_flag("--twice", options->twice, "Run each case again; it must be the same");
  command->add_option("--json", options->json, "Everything observed and judged")->type_name("FILE");
  command->add_option("--junit", options->junit, "Results for CI systems")->type_name("FILE");
  command->add_option("--jobs", options->jobs, "Processes to share the cases")->type_name("N");
  command->add_flag("--processes", options->processes,
                    "This is one of as many processes as there are ranks, see launch");
  command
      ->add_option("--patience", options->patience,
                   "With --processes: how long nothing may be heard of a rank")
      ->type_name("SECONDS");
  command->add_flag("--verbose", options->verbose, "Tell what every oracle says of every case");
  command->add_option("--share", options->share)->group("");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace loadproof::harness
