// One end of a connection between two processes of a job: frames, each with its length before it.
//
// Owns its socket. Used by one thread at a time. A frame is never seen in part: what a peer that
// died had begun is dropped. Who serves many ends queues and flushes, and never waits for one of
// them; who has but one end sends and receives, and waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::sim {

class Link {
 public:
  explicit Link(int socket);  // takes it over
  Link(Link&& other) noexcept;
  Link& operator=(Link&& other) noexcept;
  ~Link();

  int socket() const { return socket_; }

  // ---- without waiting ----
  void queue(std::string_view frame);
  bool has_output() const { return !outbox_.empty(); }
  // Sends what it can, reads what is there. False: the other end is closed; what it sent before is
  // still to be had by next().
  bool flush();
  bool fill();
  // The next whole frame that has come. An error: what came is no frame.
  Result<std::optional<std::string>> next();

  // ---- waiting ----
  Result<void> send(std::string_view frame);
  // An error: nothing came in time, or the other end is closed.
  Result<std::string> receive(std::optional<std::chrono::milliseconds> patience = {});
  // Nothing: nothing came in time.
  Result<std::optional<std::string>> receive_within(
      std::optional<std::chrono::milliseconds> patience);

 private:
  int socket_ = -1;
  std::string inbox_, outbox_;
  size_t read_ = 0;  // of the inbox

  bool wait(short events, std::optional<std::chrono::steady_clock::time_point> until) const;
};

// Longer than any observation of a rank.
inline constexpr uint32_t kFrameBytesMax = 1U << 31;

// A listener on any free port of all interfaces, and its port.
struct Listener {
  int socket = -1;
  uint16_t port = 0;
};
Result<Listener> listen_anywhere();
// A port that was free a moment ago; 0: there is none.
uint16_t free_port();
// Nothing: nobody came in time.
Result<std::optional<Link>> accept_one(int listener, std::chrono::milliseconds patience);
Result<Link> connect_to(const std::string& host, uint16_t port);
// The address by which this end reaches the other.
std::string own_address(const Link& link);
// Whether it reaches nothing but its own host.
bool is_loopback(std::string_view address);

}  // namespace loadproof::sim
