// ckpt: every tensor equals its elements in the file, and came from there.
#include "harness/oracles/compared.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {

Verdict judge_ckpt(const Case&, const Observation& seen, std::string_view at) {
  return judge_compared(
      {.oracle = "ckpt",
       .what = "the file",
       .pick =
           [](const TensorObservation& tensor) {
             const bool judged = tensor.reference.from_file && !tensor.declared.known;
             return judged ? &tensor.reference : nullptr;
           },
       .nothing = "no tensor is in a file, or the case declares other values for those that are",
       .passed = "every tensor equals its elements in the file"},
      seen, at);
}

}  // namespace loadproof::harness
