#include "sim/backends/backend.h"

#include <fmt/format.h>

#include "sim/backends/gloo.h"
#include "sim/backends/sim.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

Result<std::unique_ptr<Backend>> make_gloo(int ranks) { return make_gloo_backend(ranks); }

constexpr BackendInfo kBackends[] = {
    {"gloo", "one c10d::ProcessGroupGloo per rank in this process, over loopback", make_gloo},
    {"sim", "in-memory copies without threads, for thousands of ranks", make_sim_backend},
};

}  // namespace

std::string_view name(Collective op) {
  switch (op) {
    case Collective::kBroadcast: return "broadcast";
    case Collective::kScatter: return "scatter";
    case Collective::kGather: return "gather";
    case Collective::kAllGather: return "all_gather";
    case Collective::kAllReduce: return "all_reduce";
    case Collective::kBarrier: return "barrier";
    case Collective::kSend: return "send";
  }
  SIM_CHECK(false, "no such collective: {}", static_cast<int>(op));
}

std::string_view name(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum: return "sum";
    case Reduction::kMax: return "max";
    case Reduction::kMin: return "min";
  }
  SIM_CHECK(false, "no such reduction: {}", static_cast<int>(reduction));
}

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
