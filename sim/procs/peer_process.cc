#include "sim/procs/peer_process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace loadproof::sim {
namespace {

// Of the numbering; empty where it is not known.
std::string own_numbering() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code error;
  const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  return boot.empty() || error ? "" : boot + " " + space.string();
}

}  // namespace

std::string own_process() { return std::to_string(getpid()) + " " + own_numbering(); }

PeerProcess::PeerProcess(std::string_view known) {
  const size_t space = known.find(' ');
  const std::string here = own_numbering();
  if (space == known.npos || here.empty() || known.substr(space + 1) != here) return;
  pid_t id = 0;
  if (std::from_chars(known.data(), known.data() + space, id).ec != std::errc() || id <= 1) return;
  if (id != getpid()) handle_ = static_cast<int>(syscall(SYS_pidfd_open, id, 0));
}

PeerProcess::PeerProcess(PeerProcess&& other) noexcept
    : handle_(std::exchange(other.handle_, -1)) {}

PeerProcess& PeerProcess::operator=(PeerProcess&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

PeerProcess::~PeerProcess() {
  if (handle_ >= 0) close(handle_);
}

void PeerProcess::end() const {
  if (handle_ >= 0) syscall(SYS_pidfd_send_signal, handle_, SIGKILL, nullptr, 0);
}

}  // namespace loadproof::sim
