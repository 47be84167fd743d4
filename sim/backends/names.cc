#include "sim/backends/backend.h"
#include "sim/check.h"

namespace loadproof::sim {

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

}  // namespace loadproof::sim
