// loadproof memory: what each rank holds, step by step, and what stands at its peak.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"
#include "harness/cli/terminal.h"
#include "harness/memory_difference.h"
#include "harness/memory_svg.h"
#include "harness/memory_table.h"
#include "harness/pair_cases.h"
#include "harness/reporters/output_file.h"
#include "harness/reporters/reporters.h"
#include "harness/runner.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Cases run whatever budget they state, and nothing is judged. Ranks that hold the same are told
together, and so are the turns of a step. Resident is what somebody has written, reserved all
storage; both stand as they are after the step, and "most within" is what was resident at once
within it. Committed is the kernel's own count of the rank's host memory after the step. "2 KiB of
4 KiB" is resident of reserved.

--against takes AXIS=VALUE,… for other cases of the same files, or a scenario file or the id of a
case. Two cases stand beside each other when all axes that both have are equal, but for those that
OTHER names. The command line's other options hold for both.

Exit code: 0 done, 2 bad input.

Examples:
  loadproof memory x.yaml --only variant=5.6.0
  loadproof memory x.yaml --only variant=5.4.0 --against variant=5.6.0 --svg both.svg
  loadproof memory x.yaml --only variant=slow --against other.yaml/variant=fast
  loadproof memory x.yaml --ranks 64 --backend sim --json memory.json)";

struct Options {
  Selection selection;
  std::string against, svg, json;
};

// The cases that OTHER means, and the axes that it names.
struct Others {
  std::vector<Case> cases;
  std::vector<std::string> named;
  bool same_file = false;
};

std::vector<std::string> axes_in_id(const std::string& path) {
  std::vector<std::string> axes;
  if (const auto targets = find_targets(path))
    for (const Target& target : *targets)
      for (const auto& [axis, value] : target.only) axes.push_back(axis);
  return axes;
}

std::optional<Others> others_of(const Options& options, const std::vector<Case>& plan) {
  Overrides overrides = options.selection.overrides;
  std::vector<std::string> paths{options.against};
  Others others;
  std::error_code ignored;
  if (!std::filesystem::exists(options.against, ignored))
    overrides.only = parse_axes(options.against);
  others.same_file = !overrides.only.empty();
  if (others.same_file) {
    paths.clear();
    for (const Case& one : plan)
      if (std::ranges::find(paths, one.scenario) == paths.end()) paths.push_back(one.scenario);
    for (const auto& [axis, value] : overrides.only) others.named.push_back(axis);
  } else {
    others.named = axes_in_id(options.against);
  }
  Plan made = make_plan(paths, overrides, disk_files());
  if (!made.problems.empty()) print_error("--against {}:\n", options.against);
  for (const std::string& problem : made.problems) print_error("{}", problem);
  if (!made.problems.empty()) return std::nullopt;
  others.cases = std::move(made.cases);
  return others;
}

// A report that may not be asked for.
class Report {
 public:
  Result<void> open(const std::string& path) {
    if (path.empty()) return {};
    auto created = OutputFile::create(path);
    if (!created) return tl::make_unexpected(created.error());
    file_ = std::move(*created);
    return {};
  }
  void write(std::string_view text) {
    if (file_) file_->write(text);
  }
  Result<void> finish() { return file_ ? file_->finish() : Result<void>{}; }
  bool is_wanted() const { return file_.has_value(); }

 private:
  std::optional<OutputFile> file_;
};

class Memory {
 public:
  Memory(Report svg, Report json) : svg_(std::move(svg)), json_(std::move(json)) {}

  // `there` of a pair may be missing.
  int run(const std::vector<CasePair>& pairs) {
    json_.write("{\"schema_version\": 1, \"cases\": [");
    for (size_t i = 0; i < pairs.size(); ++i) {
      show_progress(i, pairs.size());
      const MemoryView* here = view_of(*pairs[i].here);
      const MemoryView* there = pairs[i].there ? view_of(*pairs[i].there) : nullptr;
      if (is_terminal()) print_out("\r\x1b[K");
      if (here && (there || !pairs[i].there)) show(*here, there);
    }
    json_.write("\n]}\n");
    if (svg_.is_wanted()) svg_.write(memory_svg(pictures_));
    for (Report* report : {&svg_, &json_})
      if (auto written = report->finish(); !written) return bad_input(written.error().message);
    return exit_code_;
  }

 private:
  Report svg_, json_;
  sim::Session session_;
  std::map<std::string, std::optional<MemoryView>> views_;  // by id; nothing: it could not be run
  std::vector<MemoryPicture> pictures_;
  bool first_ = true;
  int exit_code_ = kAsExpected;

  const MemoryView* view_of(const Case& plan) {
    const auto [found, is_new] = views_.try_emplace(plan.id);
    if (is_new) found->second = run_case(plan);
    return found->second ? &*found->second : nullptr;
  }

  std::optional<MemoryView> run_case(const Case& plan) {
    sim::WorldSpec spec = world_of(plan);
    spec.memory = spec.committed = true;
    spec.contents = spec.writes = false;
    const auto seen = session_.run(spec);
    if (!seen) {
      if (is_terminal()) print_out("\r\x1b[K");
      exit_code_ = bad_input(fmt::format("{}: {}", plan.id, seen.error().message));
      return std::nullopt;
    }
    if (json_.is_wanted()) {
      json_.write(views_.size() > 1 ? ",\n" : "\n");
      json_.write(memory_json(plan, *seen));
    }
    return memory_view(plan, *seen);
  }

  void show(const MemoryView& here, const MemoryView* there) {
    const bool colour = wants_colour();
    print_out("{}{}", std::exchange(first_, false) ? "" : "\n",
              there ? memory_difference(here, *there, colour) : memory_table(here, colour));
    if (svg_.is_wanted()) pictures_.push_back({&here, there});
  }

  static void show_progress(size_t done, size_t all) {
    if (!is_terminal()) return;
    print_out("[{}/{}] ", done, all);
    std::cout.flush();
  }
};

int memory(const Options& options) {
  auto plan = select_cases(options.selection);
  if (!plan) return kBadInput;
  std::vector<CasePair> pairs;
  std::optional<Others> others;
  if (options.against.empty()) {
    for (const Case& one : *plan) pairs.push_back({&one, nullptr});
  } else {
    others = others_of(options, *plan);
    if (!others) return kBadInput;
    auto paired = pair_cases(*plan, others->cases, others->named, others->same_file);
    if (!paired)
      return bad_input(fmt::format("--against {}: {}", options.against, paired.error().message));
    pairs = std::move(*paired);
  }
  Report svg, json;
  if (auto opened = svg.open(options.svg); !opened) return bad_input(opened.error().message);
  if (auto opened = json.open(options.json); !opened) return bad_input(opened.error().message);
  return Memory(std::move(svg), std::move(json)).run(pairs);
}

}  // namespace

void add_memory(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("memory", "Show what each rank holds, step by step, and its peak");
  command->footer(kFooter);
  add_selection(*command, options->selection);
  command->add_option("--against", options->against, "The cases to stand beside these")
      ->type_name("OTHER");
  command->add_option("--svg", options->svg, "Draw it")->type_name("FILE");
  command->add_option("--json", options->json, "All of it, for programs")->type_name("FILE");
  command->callback([options, &exit_code] { exit_code = memory(*options); });
}

}  // namespace loadproof::harness
