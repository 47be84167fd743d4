#include "sim/procs/pulse.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace loadproof::sim {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// False: the thread is to end.
bool sleep(const std::stop_token& stop, milliseconds time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

PulseGiver::PulseGiver(std::vector<Link> others, milliseconds patience)
    : others_(std::move(others)), thread_([this, patience](const std::stop_token& stop) {
        const milliseconds pause = std::min(milliseconds(500), patience / 4 + milliseconds(1));
        do {
          for (Link& link : others_) {
            if (!link.has_output()) link.queue("alive");
            static_cast<void>(link.flush());  // who is gone is told of elsewhere
          }
        } while (sleep(stop, pause));
      }) {}

PulseWatcher::PulseWatcher(Link first, milliseconds patience,
                           std::function<void(const std::string&)> lost)
    : first_(std::move(first)),
      thread_([this, patience, lost = std::move(lost)](const std::stop_token& stop) {
        // So long the last messages may take to be read.
        constexpr milliseconds kAfterClosing{2000}, kPause{50};
        auto heard = Clock::now();
        bool open = true;
        while (sleep(stop, kPause)) {
          open = open && first_.fill();
          for (auto sign = first_.next(); sign && *sign; sign = first_.next())
            heard = Clock::now();
          const auto silent = Clock::now() - heard;
          if (!open && silent >= kAfterClosing)
            return lost("rank 0 is lost: its process has ended");
          if (silent >= patience)
            return lost(fmt::format("rank 0 is lost: has said nothing for {:.10g} s",
                                    std::chrono::duration<double>(patience).count()));
        }
      }) {}

}  // namespace loadproof::sim
