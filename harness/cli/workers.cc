#include "harness/cli/workers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/reporters/reporters.h"

extern char** environ;

namespace loadproof::harness {
namespace {

struct Worker {
  pid_t id = -1;
  int output = -1;     // what it writes; -1: it has closed it
  std::string line;    // begun and not yet whole
  size_t next = 0;     // index into the plan of the case whose line comes next
  std::string end;     // how it ended, where that was not as it should
};

Worker start(size_t share, size_t jobs, const std::vector<std::string>& words) {
  Worker worker{.next = share};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    worker.end = fmt::format("could not be started: {}", std::strerror(errno));
    return worker;
  }
  std::vector<std::string> all = {"loadproof", "run", "--share", fmt::format("{}/{}", share, jobs)};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int error =
      posix_spawn(&worker.id, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  worker.output = ends[0];
  if (error == 0) return worker;
  worker.id = -1;
  worker.end = fmt::format("could not be started: {}", std::strerror(error));
  close(std::exchange(worker.output, -1));
  return worker;
}

void await(Worker& worker) {
  close(std::exchange(worker.output, -1));
  int status = 0;
  while (waitpid(worker.id, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status))
    worker.end = fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                             strsignal(WTERMSIG(status)));
  else
    worker.end = fmt::format("ended with code {} before it had run it", WEXITSTATUS(status));
}

CaseResult lost(const Case& plan, const std::string& why) {
  CaseResult result;
  result.plan = plan;
  result.error = fmt::format("the worker process that was to run it {}", why);
  return result;
}

class Share {
 public:
  Share(const std::vector<Case>& plan, size_t jobs, const std::function<void(CaseResult)>& take)
      : plan_(plan), jobs_(jobs), take_(take), results_(plan.size()) {}

  void run(const std::vector<std::string>& words) {
    for (size_t share = 0; share < jobs_; ++share) {
      workers_.push_back(start(share, jobs_, words));
      if (workers_.back().id < 0) give_up(workers_.back());
    }
    while (listen()) {}
  }

 private:
  const std::vector<Case>& plan_;
  size_t jobs_;
  const std::function<void(CaseResult)>& take_;
  std::vector<std::optional<CaseResult>> results_;
  std::vector<Worker> workers_;
  size_t taken_ = 0;

  // Waits for something to read. False: every worker has ended.
  bool listen() {
    std::vector<pollfd> polled;
    for (const Worker& worker : workers_)  // a negative descriptor is passed over
      polled.push_back({.fd = worker.output, .events = POLLIN, .revents = 0});
    const bool any = std::any_of(polled.begin(), polled.end(),
                                 [](const pollfd& one) { return one.fd >= 0; });
    if (!any) return false;
    if (poll(polled.data(), polled.size(), -1) < 0) return errno == EINTR;
    for (size_t i = 0; i < polled.size(); ++i)
      if (polled[i].revents != 0) read_from(workers_[i]);
    return true;
  }

  void read_from(Worker& worker) {
    char buffer[1 << 16];
    const ssize_t count = read(worker.output, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) {
      await(worker);
      return give_up(worker);
    }
    for (std::string_view rest(buffer, static_cast<size_t>(count)); !rest.empty();) {
      const size_t end = rest.find('\n');
      worker.line += rest.substr(0, end);
      if (end == std::string_view::npos) return;
      rest.remove_prefix(end + 1);
      finish_line(worker);
    }
  }

  void finish_line(Worker& worker) {
    const std::string line = std::exchange(worker.line, {});
    if (worker.next >= plan_.size()) return;
    const Case& plan = plan_[worker.next];
    auto result = read_json_line(line, plan);
    set(worker, result ? std::move(*result) : lost(plan, "reported " + result.error().message));
  }

  // The cases that a worker which has ended leaves undone.
  void give_up(Worker& worker) {
    while (worker.next < plan_.size()) set(worker, lost(plan_[worker.next], worker.end));
  }

  void set(Worker& worker, CaseResult result) {
    results_[worker.next] = std::move(result);
    worker.next += jobs_;
    for (; taken_ < results_.size() && results_[taken_]; ++taken_) {
      take_(std::move(*results_[taken_]));
      results_[taken_].reset();
    }
  }
};

}  // namespace

void run_in_workers(const std::vector<Case>& plan, size_t jobs,
                    const std::vector<std::string>& words,
                    const std::function<void(CaseResult)>& take) {
  Share(plan, jobs, take).run(words);
}

}  // namespace loadproof::harness
