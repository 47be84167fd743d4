#include "harness/oracles/oracle.h"

#include <algorithm>

#include "harness/oracles/table.h"

namespace loadproof::harness {
namespace {

constexpr OracleInfo kOracles[] = {
    {"finite",
     "Neither NaN nor inf is in what sampling is handed; on ranks that sample nothing, in no "
     "tensor.",
     judge_finite},
    {"defined",
     "No element that is on meta, undefined, a placeholder or tainted reaches sampling, whatever "
     "its value; on ranks that sample nothing, there is none.",
     judge_defined},
    {"ckpt",
     "Every tensor that the file has equals it, bit by bit, and each of its elements came from its "
     "own place there; where `source` declares another value, source judges instead.",
     judge_ckpt},
    {"source",
     "Every tensor has the value that is declared for it: by the steps of `source`, as its value, "
     "or as the model's formula.",
     judge_source},
    {"replicas",
     "Every tensor is bit-equal, in dtype and shape too, on all ranks that hold the same piece of "
     "it.",
     judge_replicas},
    {"alias", "Tied names share storage, and no others do.", judge_alias},
    {"dtype", "Every tensor has the dtype that the model declares.", judge_dtype},
    {"memory",
     "No rank and no node holds more bytes at once than the case's `budget` allows.",
     judge_memory},
    {"no_hang",
     "All members of each collective come, within the limits of those that wait; they say the "
     "same, and the transfer completes.",
     judge_no_hang},
    {"no_error",
     "No rank raises or is aborted, and no update fails; dying in sampling is judged by finite.",
     judge_no_error},
    {"symmetric_error",
     "What one rank raises, all ranks raise: at the same step, where the program has them run it.",
     judge_symmetric_error},
    {"clear_error",
     "Who meets an error is told its cause: the text names a tensor or a file, nobody is left with "
     "a time-out, and no request finds on meta what a failed update has taken down.",
     judge_clear_error},
    {"atomic", "An update that fails leaves all its tensors as they were, or has renewed them all.",
     judge_atomic},
    {"invariant",
     "What `invariant` names does not matter: each case leaves the same in all tensors with each "
     "of its values.",
     judge_invariant},
    {"no_vacuous", "No step's selector matches nothing, and no step works in vain.",
     judge_no_vacuous},
};

}  // namespace

std::string_view name(Judgement judgement) {
  switch (judgement) {
    case Judgement::kPass: return "pass";
    case Judgement::kFail: return "fail";
    case Judgement::kUnknown: return "unknown";
  }
  return "";
}

std::span<const OracleInfo> oracles() { return kOracles; }

const OracleInfo* find_oracle(std::string_view name) {
  auto found = std::ranges::find(kOracles, name, &OracleInfo::name);
  return found == std::end(kOracles) ? nullptr : found;
}

}  // namespace loadproof::harness
