// What a case needs of the machine that it runs on, beside memory: GPUs, and at times a process of
// its own. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "harness/case.h"
#include "sim/backends/cuda_machine.h"

namespace loadproof::harness {

// One for its tensors, or as many as it has ranks for the nccl backend; 0: none.
int gpus_needed(const Case& plan);

// Why the case is left out on a machine with fewer GPUs than it needs; nothing: it can run. With
// `asked` it is not the scenario that wants them but who runs it: where there is no GPU at all, that
// is for the run to tell, as an error.
std::optional<std::string> lacks_gpus(const Case& plan, bool asked, const sim::CudaMachine& machine);

// Whether the process that runs the case can use the GPU no more: an assertion fails there.
bool needs_own_process(const Case& plan);

}  // namespace loadproof::harness
