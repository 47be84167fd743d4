// Lets a backend that moves bytes of the host move those of a device: by way of the host.
#pragma once

#include <memory>

#include "sim/backends/backend.h"

namespace loadproof::sim {

// Copies what members give to the host before each transfer, and what they received back after it;
// a transfer whose tensors are all on the host, or on meta, goes through untouched. The backend
// outlives what is made.
std::unique_ptr<Backend> staged_through_host(Backend& backend);

}  // namespace loadproof::sim
