// loadproof new: a scenario to begin with.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/files.h"
#include "harness/new_scenario.h"
#include "harness/replay.h"
#include "harness/settings.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    R"(Writes NAME.yaml: a defect and its mend, which pass as they stand, with comments that say what
to change. A file that is there is left alone.

Examples:
  loadproof new scenarios/faults/norm_left_out
  loadproof new x.yaml --world 8)";

struct Options {
  std::string name;
  int64_t ranks = 2;
};

std::string no_such_folder(const std::string& folder) {
  return fmt::format(
      "there is no folder {}{}", folder,
      did_you_mean(fs::path(folder).filename().string(), disk_files().list(folder_of(folder))));
}

// Of NAME, NAME.yaml or a path to either.
Result<std::string> path_for(const std::string& name) {
  fs::path path(name);
  if (!path.has_filename() || path.filename() == "." || path.filename() == "..")
    return fail(fmt::format("'{}' names no file", name));
  if (path.extension() == ".yml")
    return fail(fmt::format("{}: scenarios end with .yaml (did you mean {}?)", name,
                            in_quotes(path.replace_extension(".yaml").string())));
  if (path.extension() != ".yaml") path += ".yaml";
  std::error_code ignored;
  const std::string folder = folder_of(path.string());
  if (!folder.empty() && !fs::is_directory(folder, ignored)) return fail(no_such_folder(folder));
  return path.string();
}

// In one step with the question whether it is there, so that nobody's file is lost between the two.
Result<void> write_new(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wx");
  if (!file && errno == EEXIST)
    return fail(fmt::format("{} is there already, and is left as it is", path));
  if (!file) return fail(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !whole) return fail(fmt::format("cannot write all of {}", path));
  return {};
}

void tell_next(const std::string& path) {
  const std::string word = shell_word(path);
  print_out(
      "wrote {0}; next:\n"
      "  loadproof explain {1}          # what each rank will do\n"
      "  loadproof run {1} --verbose    # what every oracle says of it\n"
      "  loadproof mutate {1}           # which other mistakes no oracle would notice\n",
      path, word);
  std::error_code ignored;
  const fs::path file = fs::absolute(path, ignored).lexically_normal();
  const fs::path list = fs::path(scenarios_folder_of(file.string())) / "CMakeLists.txt";
  if (list.has_parent_path() && fs::exists(list, ignored))
    print_out("ctest runs it once {} stands in the list of {}\n",
              file.lexically_relative(list.parent_path()).string(), list.string());
}

int write_scenario(const Options& options) {
  if (options.ranks < 2 || options.ranks > kRanksMax)
    return bad_input(fmt::format("--world: must be 2 to {}", kRanksMax));
  auto path = path_for(options.name);
  if (!path) return bad_input(path.error().message);
  if (auto written = write_new(*path, new_scenario(*path, options.ranks)); !written)
    return bad_input(written.error().message);
  tell_next(*path);
  return kAsExpected;
}

}  // namespace

void add_new(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("new", "Write a scenario to begin with");
  command->footer(kFooter);
  command->add_option("name", options->name, "Its file, with or without .yaml")
      ->type_name("NAME")
      ->required();
  command->add_option("--world", options->ranks, "How many ranks; 2 if left out")->type_name("N");
  command->callback([options, &exit_code] { exit_code = write_scenario(*options); });
}

}  // namespace loadproof::harness
