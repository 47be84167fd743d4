// Who this process is among those that a launcher has started, as the launcher's variables say.
//
// Pure: the environment is a function from names to values. Known are torchrun (RANK, WORLD_SIZE,
// LOCAL_RANK, MASTER_ADDR, MASTER_PORT), which counts first since it may itself have been started
// by another; MPI (OMPI_COMM_WORLD_…, or PMI_RANK and PMI_SIZE); and Slurm (SLURM_PROCID, …).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sim/result.h"

namespace loadproof::harness {

struct Launched {
  std::string by;  // torchrun, Open MPI, PMI, Slurm
  int rank = 0, ranks = 1;
  int local_rank = 0;
  int local_ranks = 0;      // on this host; 0: nobody says
  std::string address;      // of rank 0's host
  uint16_t port = 29500;    // at which the ranks find each other there
  bool store_runs = false;  // the launcher itself serves that port
  bool operator==(const Launched&) const = default;
};

using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// An error: no launcher has set anything, or something is missing or contradicts something else.
Result<Launched> read_launch_environment(const Environment& environment);

// The environment of this process.
Environment process_environment();

// The first host of a list as Slurm writes it: "node[003-010,12],other" begins with node003.
std::string first_host(std::string_view nodes);

}  // namespace loadproof::harness
