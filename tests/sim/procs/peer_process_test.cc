// Another process of this host is ended, and no other.
#include "sim/procs/peer_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loadproof::sim {
namespace {

// What becomes of a child that is stopped and known as that text.
int status_after(bool in_own_numbering) {
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, WUNTRACED);
  std::string known = own_process();
  known = std::to_string(child) + known.substr(known.find(' '));
  PeerProcess(in_own_numbering ? known : known + "0").end();
  kill(child, SIGCONT);
  waitpid(child, &status, 0);
  return status;
}

TEST(PeerProcess, IsEndedThoughItIsStopped) {
  const int status = status_after(true);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(PeerProcess, IsLeftAloneWhereNumbersMeanOthers) {
  const int status = status_after(false);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

TEST(PeerProcess, IsNeverThisOneNorWhatIsNone) {
  for (const std::string& known : {own_process(), std::string(), std::string("x y")})
    PeerProcess(known).end();
  PeerProcess().end();
}

}  // namespace
}  // namespace loadproof::sim
