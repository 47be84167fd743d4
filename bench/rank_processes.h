// N processes that do one thing at once and answer: ranks as they really are, each with its own
// page tables and its own heap, so that they share the machine and nothing else.
//
// They are forked from a process with one thread, and live until the object goes. An Answer goes
// through a socket, so it is a plain value.
#pragma once

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <type_traits>
#include <vector>

namespace loadproof::bench {

template <typename Answer>
class RankProcesses {
  static_assert(std::is_trivially_copyable_v<Answer>);

 public:
  // What a process does when it is told to; `command` is one byte of the caller's.
  using Work = std::function<Answer(char command)>;

  // `prepare` runs once in each process before anything else.
  RankProcesses(int ranks, const std::function<void()>& prepare, const Work& work) {
    for (int rank = 0; rank < ranks; ++rank) start(prepare, work);
  }
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;
  ~RankProcesses() {
    for (const Process& one : processes_) ::close(one.socket);
    for (const Process& one : processes_) ::waitpid(one.pid, nullptr, 0);
  }

  // The answers by rank; nothing if a process has ended, as where memory is short.
  std::optional<std::vector<Answer>> run(char command) {
    std::vector<Answer> answers(processes_.size());
    for (const Process& one : processes_)
      if (::send(one.socket, &command, 1, MSG_NOSIGNAL) != 1) return std::nullopt;
    for (size_t rank = 0; rank < answers.size(); ++rank)
      if (::recv(processes_[rank].socket, &answers[rank], sizeof(Answer), MSG_WAITALL) !=
          static_cast<ssize_t>(sizeof(Answer)))
        return std::nullopt;
    return answers;
  }

 private:
  struct Process {
    pid_t pid;
    int socket;
  };
  std::vector<Process> processes_;

  void start(const std::function<void()>& prepare, const Work& work) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      for (const Process& earlier : processes_) ::close(earlier.socket);
      prepare();
      for (char command = 0; ::read(ends[1], &command, 1) == 1;) {
        const Answer answer = work(command);
        if (::send(ends[1], &answer, sizeof answer, MSG_NOSIGNAL) < 0) break;
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    processes_.push_back({pid, ends[0]});
  }
};

}  // namespace loadproof::bench
