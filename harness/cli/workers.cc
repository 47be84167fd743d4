#include "harness/cli/workers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "harness/reporters/reporters.h"

extern char** environ;

namespace loadproof::harness {
namespace {

namespace fs = std::filesystem;

struct Worker {
  pid_t id = -1;
  std::string report;
  std::string end;  // how it ended, where that was not as it should
};

// A folder that goes with its owner; "" where there can be none.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    const fs::path base = fs::temp_directory_path(error);
    std::string pattern = ((error ? fs::path("/tmp") : base) / "loadproof-XXXXXX").string();
    if (mkdtemp(pattern.data())) path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Worker start(size_t share, size_t jobs, const std::string& folder,
             const std::vector<std::string>& words) {
  Worker worker;
  worker.report = fmt::format("{}/{}.json", folder, share);
  std::vector<std::string> all = {"loadproof", "run", "--share", fmt::format("{}/{}", share, jobs),
                                  "--json", worker.report};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const int error =
      posix_spawn(&worker.id, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    worker.id = -1;
    worker.end = fmt::format("could not be started: {}", std::strerror(error));
  }
  return worker;
}

void await(Worker& worker) {
  if (worker.id < 0) return;
  int status = 0;
  while (waitpid(worker.id, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status))
    worker.end = fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                             strsignal(WTERMSIG(status)));
  else if (!fs::exists(worker.report))
    worker.end = fmt::format("ended with code {} before its report was whole", WEXITSTATUS(status));
}

// What a worker that died has finished is in its temporary report, which lacks its end.
std::vector<CaseResult> results_of(const Worker& worker, const std::vector<Case>& plan) {
  if (worker.end.empty())
    if (auto results = read_json_report(worker.report, plan)) return std::move(*results);
  std::ifstream in(worker.report + ".tmp", std::ios::binary);
  const std::string part{std::istreambuf_iterator<char>(in), {}};
  const std::string mended = worker.report + ".mended";
  std::ofstream(mended, std::ios::binary) << part << "\n]}\n";
  return read_json_report(mended, plan).value_or(std::vector<CaseResult>{});
}

CaseResult lost(const Case& plan, const Worker& worker) {
  CaseResult result;
  result.plan = plan;
  result.error = fmt::format("the worker process that was to run it {}",
                             worker.end.empty() ? "did not report it" : worker.end);
  return result;
}

}  // namespace

std::vector<CaseResult> run_in_workers(const std::vector<Case>& plan, size_t jobs,
                                       const std::vector<std::string>& words) {
  TemporaryFolder folder;
  std::vector<Worker> workers;
  for (size_t share = 0; share < jobs; ++share)
    workers.push_back(start(share, jobs, folder.path(), words));
  std::map<std::string, CaseResult> done;
  for (Worker& worker : workers) {
    await(worker);
    for (CaseResult& result : results_of(worker, plan)) {
      std::string id = result.plan.id;
      done.emplace(std::move(id), std::move(result));
    }
  }
  std::vector<CaseResult> results;
  for (size_t i = 0; i < plan.size(); ++i) {
    auto found = done.find(plan[i].id);
    results.push_back(found == done.end() ? lost(plan[i], workers[i % jobs])
                                          : std::move(found->second));
  }
  return results;
}

}  // namespace loadproof::harness
