#include "sim/backends/backend.h"

#include <fmt/format.h>

#include "sim/backends/gloo.h"
#include "sim/backends/nccl_part.h"
#include "sim/backends/sim.h"

namespace loadproof::sim {
namespace {

Result<std::unique_ptr<Backend>> make_gloo(int ranks) { return make_gloo_backend(ranks); }

constexpr BackendInfo kBackends[] = {
    {"gloo", "one c10d::ProcessGroupGloo per rank in this process, over loopback", false,
     make_gloo},
    {"nccl", "one c10d::ProcessGroupNCCL per rank in this process, each with a GPU of its own",
     true, make_nccl_backend},
    {"sim", "in-memory copies without threads, for thousands of ranks", false, make_sim_backend},
};

}  // namespace

std::span<const BackendInfo> backends() { return kBackends; }

Result<std::unique_ptr<Backend>> make_backend(std::string_view name, int ranks) {
  if (ranks < 1) return fail(fmt::format("a world needs at least one rank, not {}", ranks));
  std::string known;
  for (const BackendInfo& info : kBackends) {
    if (info.name == name) return info.make(ranks);
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", info.name, info.about);
  }
  return fail(fmt::format("no backend is named \"{}\"; there are {}", name, known));
}

}  // namespace loadproof::sim
