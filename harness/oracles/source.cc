// source: every tensor has the value that is declared for it: what the case's `source` steps give,
// or else its analytic or declared value.
#include "harness/oracles/compared.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {

Verdict judge_source(const Case& plan, const Observation& seen, std::string_view at) {
  return judge_compared(
      {.oracle = "source",
       .what = "its source",
       .pick =
           [](const TensorObservation& tensor) {
             if (tensor.declared.known) return &tensor.declared;
             const bool analytic = tensor.reference.known && !tensor.reference.from_file;
             return analytic ? &tensor.reference : nullptr;
           },
       .nothing = "the case declares no value for any tensor",
       .passed = "every tensor has the value that is declared for it"},
      plan, seen, at);
}

}  // namespace loadproof::harness
