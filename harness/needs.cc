#include "harness/needs.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/words.h"

namespace loadproof::harness {

int gpus_needed(const Case& plan) {
  if (plan.dry) return 0;
  if (plan.backend == "nccl") return plan.topology.ranks();
  return plan.device == "cuda" ? 1 : 0;
}

std::optional<std::string> lacks_gpus(const Case& plan, bool asked,
                                      const sim::CudaMachine& machine) {
  const int needed = gpus_needed(plan);
  const int there = static_cast<int>(machine.devices.size());
  if (needed <= there || (there == 0 && asked)) return std::nullopt;
  return fmt::format("needs {}, and this machine has {}", count_text(needed, "GPU"),
                     there == 0 ? "none (loadproof doctor tells why)" : std::to_string(there));
}

bool needs_own_process(const Case& plan) {
  if (plan.device != "cuda") return false;
  return std::ranges::any_of(flat_steps(plan.program), [](const Step* step) {
    const auto* guard = optional_arg<std::string>(*step, "guard");
    return guard && *guard == "off";
  });
}

}  // namespace loadproof::harness
