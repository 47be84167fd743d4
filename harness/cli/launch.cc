// loadproof launch: a process for each rank, on this machine.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/rank_process.h"
#include "sim/procs/link.h"
#include "sim/temporary_folder.h"

namespace loadproof::harness {
namespace {

constexpr const char* kFooter =
    R"(Each process runs its own rank of every case; bytes move between them over Gloo, and what comes
of a case is what comes of it in one process. Cases of fewer ranks are run by the first processes,
those of more are skipped. A rank that dies is named at once, one that is stopped, hangs, is cut
off or never comes after --patience seconds, with its step and what the others waited for; some
seconds later no process is left. Other launchers start `loadproof run --processes …` themselves:
torchrun, srun and mpirun tell each process its rank by their own variables.

Examples:
  loadproof launch --ranks 4 scenarios/smoke
  loadproof launch --ranks 2 run x.yaml --json report.json --patience 20
  torchrun --no-python --nproc-per-node 4 loadproof run --processes scenarios/smoke)";

constexpr int kRanksMax = 1024;
using Clock = std::chrono::steady_clock;

struct Process {
  pid_t id = -1;
  int errors = -1;      // what it says on standard error; -1: closed, or not kept
  std::string said;     // the last of it
  bool ended = false;
  bool killed = false;  // by us
  int status = 0;
};

std::string ending_of(const Process& process) {
  if (process.killed) return "did not end, and was killed";
  if (WIFSIGNALED(process.status))
    return fmt::format("was killed by signal {} ({})", WTERMSIG(process.status),
                       strsignal(WTERMSIG(process.status)));
  return fmt::format("ended with code {}", WEXITSTATUS(process.status));
}

bool ended_well(const Process& process) {
  return WIFEXITED(process.status) && WEXITSTATUS(process.status) == 0;
}

// INVARIANT: when it is gone, so are all processes that it has started, and their temporary files;
// the processes end with it, too, where it is killed itself.
class Launch {
 public:
  Launch(int ranks, std::vector<std::string> words) : ranks_(ranks), words_(std::move(words)) {}
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch() {
    end_all();
    for (int end : endings_)
      if (end >= 0) close(end);
  }

  int run() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, &mask_before_);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    port_ = sim::free_port();
    if (signals_ < 0 || port_ == 0) return bad_input("launch: no port is free");
    auto room = sim::TemporaryFolder::make();
    if (!room) return bad_input("launch: " + room.error().message);
    room_ = std::move(*room);
    if (pipe2(endings_, O_CLOEXEC | O_NONBLOCK) != 0) return bad_input("launch: no file is free");
    for (int rank = 0; rank < ranks_; ++rank)
      if (!start(rank))
        return bad_input(fmt::format("launch: rank {} could not be started: {}", rank,
                                     std::strerror(errno)));
    while (!is_over()) listen();
    const bool first_ended = processes_[0].ended;
    was_told_ = first_ended && WIFEXITED(processes_[0].status) && !ended_well(processes_[0]);
    end_all();
    tell_endings();
    if (interrupted_ || !first_ended) return kBadInput;
    return WIFEXITED(processes_[0].status) ? WEXITSTATUS(processes_[0].status) : kBadInput;
  }

 private:
  // How long the others may take once rank 0 has told what it knows; where it has died and they
  // tell; or how long it may take where all others have failed.
  static constexpr std::chrono::seconds kGraceToEnd{1}, kGrace{3};

  int ranks_;
  std::vector<std::string> words_;
  uint16_t port_ = 0;
  sigset_t mask_before_{};
  int signals_ = -1;
  std::optional<sim::TemporaryFolder> room_;  // of all temporary files
  int endings_[2] = {-1, -1};  // how ranks have ended, told to rank 0
  pid_t group_ = 0;  // of all processes
  std::vector<Process> processes_;
  std::optional<Clock::time_point> until_, told_until_;
  bool interrupted_ = false;

  bool start(int rank) {
    int ends[2] = {-1, -1};
    if (rank > 0 && pipe2(ends, O_CLOEXEC) != 0) return false;
    std::vector<std::string> variables = variables_of(rank);
    std::vector<char*> argv, environment;
    std::vector<std::string> all = {"loadproof", "run", "--processes"};
    all.insert(all.end(), words_.begin(), words_.end());
    for (std::string& word : all) argv.push_back(word.data());
    for (std::string& variable : variables) environment.push_back(variable.data());
    argv.push_back(nullptr);
    environment.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t id = fork();
    if (id == 0) become(rank, parent, ends[1], argv.data(), environment.data());
    if (ends[1] >= 0) close(ends[1]);
    if (id < 0) return false;
    if (group_ == 0) group_ = id;
    setpgid(id, group_);
    processes_.push_back({.id = id, .errors = ends[0], .said = {}});
    return true;
  }

  // In the new process, until it is another program: nothing here allocates.
  [[noreturn]] void become(int rank, pid_t parent, int errors, char** argv,
                           char** environment) const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kBadInput);
    setpgid(0, group_);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
    if (rank == 0) fcntl(endings_[0], F_SETFD, 0);
    if (rank > 0) {
      const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
      dup2(nowhere, STDIN_FILENO);
      dup2(nowhere, STDOUT_FILENO);
      dup2(errors, STDERR_FILENO);
    }
    execve("/proc/self/exe", argv, environment);
    _exit(kBadInput);
  }

  std::vector<std::string> variables_of(int rank) const {
    const std::pair<std::string, std::string> ours[] = {
        {"RANK", std::to_string(rank)},        {"WORLD_SIZE", std::to_string(ranks_)},
        {"LOCAL_RANK", std::to_string(rank)},  {"LOCAL_WORLD_SIZE", std::to_string(ranks_)},
        {"MASTER_ADDR", "127.0.0.1"},          {"MASTER_PORT", std::to_string(port_)},
        {"TORCHELASTIC_USE_AGENT_STORE", ""},  {"TMPDIR", room_->path().string()},
        {kEndingsVariable, rank == 0 ? std::to_string(endings_[0]) : ""},
    };
    std::vector<std::string> all;
    for (char** each = environ; *each; ++each) {
      const std::string_view variable = *each;
      const std::string_view name = variable.substr(0, variable.find('='));
      if (std::ranges::none_of(ours, [&](const auto& one) { return one.first == name; }))
        all.emplace_back(variable);
    }
    for (const auto& [name, value] : ours) all.push_back(name + "=" + value);
    return all;
  }

  bool is_over() {
    if (interrupted_) return true;
    if (std::ranges::all_of(processes_, &Process::ended)) return true;
    const bool others_failed =
        ranks_ > 1 && std::all_of(processes_.begin() + 1, processes_.end(), [](const Process& p) {
          return p.ended && !ended_well(p);
        });
    if (processes_[0].ended && WIFEXITED(processes_[0].status) && !told_until_)
      until_ = told_until_ = Clock::now() + kGraceToEnd;
    if ((processes_[0].ended || others_failed) && !until_) until_ = Clock::now() + kGrace;
    return until_ && Clock::now() >= *until_;
  }

  void listen() {
    std::vector<pollfd> polled{{.fd = signals_, .events = POLLIN, .revents = 0}};
    for (const Process& process : processes_)
      polled.push_back({.fd = process.errors, .events = POLLIN, .revents = 0});
    int left = -1;
    if (until_)
      left = static_cast<int>(std::max<int64_t>(
          0, std::chrono::ceil<std::chrono::milliseconds>(*until_ - Clock::now()).count()));
    if (poll(polled.data(), polled.size(), left) <= 0) return;
    for (size_t i = 0; i < processes_.size(); ++i)
      if (polled[i + 1].revents != 0) read_errors(processes_[i]);
    signalfd_siginfo signal;
    while (read(signals_, &signal, sizeof signal) == sizeof signal)
      interrupted_ = interrupted_ || signal.ssi_signo != SIGCHLD;
    reap(WNOHANG);
  }

  static void read_errors(Process& process) {
    constexpr size_t kKept = 4096;
    char buffer[4096];
    const ssize_t count = read(process.errors, buffer, sizeof buffer);
    if (count <= 0 && errno != EINTR) close(std::exchange(process.errors, -1));
    if (count <= 0) return;
    process.said.append(buffer, static_cast<size_t>(count));
    if (process.said.size() > kKept) process.said.erase(0, process.said.size() - kKept);
  }

  void reap(int options) {
    for (size_t rank = 0; rank < processes_.size(); ++rank) {
      Process& process = processes_[rank];
      if (process.ended || waitpid(process.id, &process.status, options) != process.id) continue;
      process.ended = true;
      if (rank == 0 || ended_well(process)) continue;
      const std::string line = fmt::format("{} {}\n", rank, ending_of(process));
      static_cast<void>(!write(endings_[1], line.data(), line.size()));  // else it comes to see
    }
  }

  void end_all() {
    reap(WNOHANG);
    for (Process& process : processes_) {
      if (process.ended) continue;
      process.killed = true;
      kill(process.id, SIGKILL);
    }
    // Those that the processes may have started themselves.
    if (std::ranges::any_of(processes_, &Process::killed)) kill(-group_, SIGKILL);
    reap(0);
    for (Process& process : processes_) {
      while (process.errors >= 0) read_errors(process);
    }
    if (signals_ >= 0) close(std::exchange(signals_, -1));
  }
  bool was_told_ = false;  // by rank 0, what went wrong

  // Of those that ended badly by themselves, though rank 0 did not say the same before.
  void tell_endings() const {
    if (interrupted_) return;
    if (WIFSIGNALED(processes_[0].status))
      print_error("rank 0 {}\n", ending_of(processes_[0]));
    for (size_t rank = 1; rank < processes_.size(); ++rank) {
      const Process& process = processes_[rank];
      const bool by_signal = WIFSIGNALED(process.status);
      if (ended_well(process) || process.killed) continue;
      if (!by_signal && was_told_) continue;
      print_error("rank {} {}\n", rank, ending_of(process));
      if (!process.said.empty()) print_error("{}", process.said);
    }
  }
};

int launch(int64_t ranks, std::vector<std::string> words) {
  if (ranks < 1 || ranks > kRanksMax)
    return bad_input(fmt::format("--ranks: there must be from 1 to {}", kRanksMax));
  if (!words.empty() && words[0] == "--") words.erase(words.begin());
  if (!words.empty() && words[0] == "run") words.erase(words.begin());
  if (words.empty()) return bad_input("launch: it is not said what to run");
  return Launch(static_cast<int>(ranks), std::move(words)).run();
}

}  // namespace

void add_launch(CLI::App& program, int& exit_code) {
  auto ranks = std::make_shared<int64_t>(0);
  CLI::App* command = program.add_subcommand(
      "launch", "Run cases in a process for each rank, all on this machine");
  command->footer(kFooter);
  command->add_option("--ranks", *ranks, "How many processes")->type_name("N")->required();
  command->prefix_command();
  command->callback([command, ranks, &exit_code] {
    exit_code = launch(*ranks, command->remaining());
  });
}

}  // namespace loadproof::harness
