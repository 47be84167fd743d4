// The process of another rank, where it is on this host: so that one that is stopped or hangs does
// not stay for ever, whoever has started it.
#pragma once

#include <string>
#include <string_view>

namespace loadproof::sim {

// How this process is known to others: its id, and within which numbering on which host.
std::string own_process();

class PeerProcess {
 public:
  PeerProcess() = default;
  // `known`: as it says of itself, while it certainly lives.
  explicit PeerProcess(std::string_view known);
  PeerProcess(PeerProcess&& other) noexcept;
  PeerProcess& operator=(PeerProcess&& other) noexcept;
  ~PeerProcess();
  // Kills it. Does nothing where it has ended or is elsewhere.
  void end() const;

 private:
  int handle_ = -1;  // of that very process, whatever its id comes to mean; -1: it is elsewhere
};

}  // namespace loadproof::sim
