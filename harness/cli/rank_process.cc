#include "harness/cli/rank_process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "harness/cli/commands.h"
#include "harness/cli/output.h"

namespace loadproof::harness {

RankProcess::RankProcess(int rank) : rank_(rank) {
  // Warnings of ranks that are gone say in hundreds of lines what is told in one.
  setenv("TORCH_CPP_LOG_LEVEL", "FATAL", /*overwrite=*/0);
  if (auto folder = sim::TemporaryFolder::make()) {
    folder_ = std::move(*folder);
    setenv("TMPDIR", folder_->path().c_str(), /*overwrite=*/1);
  }
  sigset_t ends;
  sigemptyset(&ends);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, signal);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  signals_ = std::jthread([this, ends](const std::stop_token& stop) {
    constexpr timespec kSlice{.tv_sec = 0, .tv_nsec = 50'000'000};
    constexpr int kSlicesToTell = 40;
    int signal = -1;
    while (signal < 0 && !stop.stop_requested()) signal = sigtimedwait(&ends, nullptr, &kSlice);
    if (signal > 0) signal_ = signal;
    for (int i = 0; rank_ == 0 && i < kSlicesToTell && !stop.stop_requested(); ++i)
      nanosleep(&kSlice, nullptr);
    if (!stop.stop_requested()) end_at_once(told_to_end());
  });
}

std::string RankProcess::told_to_end() const {
  const int signal = signal_;
  if (signal == 0) return "";
  return fmt::format("was told to end by signal {} ({})", signal, strsignal(signal));
}

void RankProcess::end_at_once(const std::string& why) {
  ending_.lock();
  if (!why.empty()) print_error("rank {}: {}\n", rank_, why);
  std::cout.flush();
  std::cerr.flush();
  std::error_code ignored;
  if (folder_) std::filesystem::remove_all(folder_->path(), ignored);
  std::_Exit(kBadInput);
}

std::function<std::optional<sim::Ending>()> first_ended_as_told(const Environment& environment) {
  const auto text = environment(kEndingsVariable);
  int file = -1;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), file).ec != std::errc())
    return {};
  fcntl(file, F_SETFL, O_NONBLOCK);
  fcntl(file, F_SETFD, FD_CLOEXEC);
  return [file, told = std::make_shared<std::string>()]() -> std::optional<sim::Ending> {
    char buffer[512];
    const ssize_t count = read(file, buffer, sizeof buffer);
    if (count > 0) told->append(buffer, static_cast<size_t>(count));
    const size_t space = told->find(' '), end = told->find('\n');
    sim::Ending first;
    if (end == told->npos || space > end) return std::nullopt;
    std::from_chars(told->data(), told->data() + space, first.rank);
    first.how = told->substr(space + 1, end - space - 1);
    return first;
  };
}

}  // namespace loadproof::harness
