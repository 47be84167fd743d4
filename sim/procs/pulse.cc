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

// How often signs are given.
milliseconds pause_of(milliseconds patience) {
  return std::clamp(patience / 8, milliseconds(1), milliseconds(200));
}

// Who is gone is told of elsewhere.
void give_sign(Link& link) {
  if (!link.has_output()) link.queue("alive");
  static_cast<void>(link.flush());
}

// Whether a sign has come; all that have are taken. `open`: whether more may come.
bool hear(Link& link, bool& open) {
  bool any = false;
  open = open && link.fill();
  for (auto sign = link.next(); sign && *sign; sign = link.next()) any = true;
  return any;
}

}  // namespace

PulseGiver::PulseGiver(std::vector<Link> others, milliseconds patience)
    : others_(std::move(others)), heard_(others_.size()) {
  for (auto& heard : heard_) heard = Clock::now();
  thread_ = std::jthread([this, patience](const std::stop_token& stop) {
    bool open = true;  // what is closed gives no sign
    do {
      for (size_t i = 0; i < others_.size(); ++i) {
        give_sign(others_[i]);
        if (hear(others_[i], open)) heard_[i] = Clock::now();
        open = true;
      }
    } while (sleep(stop, pause_of(patience)));
  });
}

milliseconds PulseGiver::silence(int rank) const {
  if (rank == 0) return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(
      Clock::now() - heard_[static_cast<size_t>(rank - 1)].load());
}

PulseWatcher::PulseWatcher(Link first, milliseconds patience,
                           std::function<void(const std::string&)> lost)
    : first_(std::move(first)),
      thread_([this, patience, lost = std::move(lost)](const std::stop_token& stop) {
        // So long the last messages may take to be read.
        constexpr milliseconds kAfterClosing{2000};
        auto heard = Clock::now();
        bool open = true;
        while (sleep(stop, pause_of(patience))) {
          give_sign(first_);
          if (hear(first_, open)) heard = Clock::now();
          const auto silent = Clock::now() - heard;
          if (!open && silent >= kAfterClosing)
            return lost("rank 0 is lost: its process has ended");
          if (silent >= patience)
            return lost(fmt::format("rank 0 is lost: has said nothing for {:.10g} s",
                                    std::chrono::duration<double>(patience).count()));
        }
      }) {}

Deadline::Deadline(milliseconds time, std::function<void()> late)
    : thread_([time, late = std::move(late)](const std::stop_token& stop) {
        if (sleep(stop, time)) late();
      }) {}

}  // namespace loadproof::sim
