// This process as one of several, each with a rank: that it ends, whatever the others do, and
// leaves no file behind.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "harness/launch_env.h"
#include "sim/procs/job.h"
#include "sim/temporary_folder.h"

namespace loadproof::harness {

// Made before any other thread is. Temporary files of the process go into a folder of its own,
// which goes with it but where it is killed. Signals that ask it to end let rank 0 tell first what
// it knows, for a moment: launchers send them once a rank is lost.
class RankProcess {
 public:
  explicit RankProcess(int rank);
  // Where other processes are lost: threads of the transport may wait for them for ever. Says why,
  // and ends with the code of what could not be run. From any thread.
  [[noreturn]] void end_at_once(const std::string& why);
  // "was told to end by signal 15 (Terminated)"; "": it was not. From any thread.
  std::string told_to_end() const;

 private:
  int rank_;
  std::optional<sim::TemporaryFolder> folder_;
  std::atomic<int> signal_{0};  // that told it to end
  std::mutex ending_;           // held by the thread that ends the process, for ever
  std::jthread signals_;
};

// What `launch` tells rank 0 of the other ranks; empty where it is none that does.
std::function<std::optional<sim::Ending>()> first_ended_as_told(const Environment& environment);

// The variable by which rank 0 knows where it is told, a file descriptor.
inline constexpr const char* kEndingsVariable = "LOADPROOF_LAUNCH_ENDINGS";

}  // namespace loadproof::harness
