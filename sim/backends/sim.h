// The backend that copies bytes in memory: no threads, no sockets, thousands of ranks in a process.
//
// It is the reference for determinism, and does bit for bit what Gloo does, reductions included
// (sim/backends/ring.h). Making one costs an allocation; it never fails.
#pragma once

#include <memory>

#include "sim/backends/backend.h"
#include "sim/result.h"

namespace loadproof::sim {

Result<std::unique_ptr<Backend>> make_sim_backend(int ranks);

}  // namespace loadproof::sim
