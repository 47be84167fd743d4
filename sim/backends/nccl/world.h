// NCCL's process groups for one world: of all its ranks, of which rank r is device r of this
// process, or of the one rank that is here where each has a process. Part of libloadproof_nccl.so.
//
// One thread uses a world. Nothing here throws. NEVER RUN on a device.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sim/backends/nccl_part.h"
#include "sim/result.h"

namespace c10d {
class ProcessGroupNCCL;
}

namespace loadproof::sim {

// One process group for each rank of an ordered list of global ranks, in that order, as far as they
// are in this process.
class NcclGroup {
 public:
  virtual ~NcclGroup() = default;
  // Those of them that are in this process.
  virtual const std::vector<size_t>& here() const = 0;
  virtual c10d::ProcessGroupNCCL& at(size_t index) = 0;
};

class NcclWorld {
 public:
  virtual ~NcclWorld() = default;  // shuts all groups down, their members in parallel
  virtual int ranks() const = 0;
  // The one rank that is in this process; nothing: all are.
  virtual std::optional<int> own_rank() const = 0;
  // Of a rank that is here: the index of its device.
  virtual int device_of(int rank) const = 0;
  // As GlooWorld's (sim/backends/gloo_world.h).
  virtual std::function<bool()> given_up() const { return {}; }
  // The group of these ranks; made, with its communicators, when it is first asked for.
  virtual Result<NcclGroup*> group(const std::vector<int>& ranks) = 0;
  // Ends what is in flight without waiting for it. Only the destructor may follow.
  virtual void abort() = 0;
};

// Its group of all ranks stands. REQUIRES: as many devices as ranks.
Result<std::unique_ptr<NcclWorld>> make_nccl_world(int ranks, std::chrono::milliseconds timeout);

// Its groups are made as they are asked for, by all of their ranks in one order.
std::unique_ptr<NcclWorld> make_nccl_job_world(const NcclJob& job);

// So that c10d tells errors to whoever waits and lets no thread of its own end the process. Sets
// variables of the environment, since there are no options for them; those that are set stay.
void make_nccl_errors_results();

}  // namespace loadproof::sim
