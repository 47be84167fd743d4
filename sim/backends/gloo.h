// The backend that moves bytes as a real job does: one c10d::ProcessGroupGloo per rank, over TCP on
// the loopback interface, all in this process and meeting at one in-memory store.
//
// Worlds are pooled: the destructor of a backend gives its world back and the next backend of as
// many ranks takes it, since a world costs threads, sockets and milliseconds. Groups of some of the
// ranks are made when a transfer first needs them and stay with the world. A world whose run failed
// is destroyed. Gloo's own threads live as long as their world; none of ours outlives a call.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "sim/backends/backend.h"
#include "sim/result.h"

namespace loadproof::sim {

// More ranks than this would need more threads and sockets than a process commonly has.
inline constexpr int kGlooRanksMax = 128;

struct GlooOptions {
  std::string interface = "lo";
  // How long Gloo waits for a peer. No member is ever missing when run() is called, so that this
  // only bounds a broken transport.
  std::chrono::milliseconds timeout = std::chrono::minutes(2);
};

Result<std::unique_ptr<Backend>> make_gloo_backend(int ranks, const GlooOptions& options = {});

}  // namespace loadproof::sim
