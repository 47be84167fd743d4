#include "harness/oracles/oracle.h"

#include <algorithm>

#include "harness/argument.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {
namespace {

constexpr OracleInfo kOracles[] = {
    {"finite",
     "Neither NaN nor inf is in what sampling is handed; on ranks that sample nothing, in no "
     "tensor.",
     judge_finite, "nan inf refused"},
    {"defined",
     "No element that is on meta, undefined, a placeholder or tainted reaches sampling, whatever "
     "its value; on ranks that sample nothing, there is none.",
     judge_defined, "reached held"},
    {"ckpt",
     "Every tensor that the file has is held somewhere and equals it, bit by bit or within its "
     "`tolerance`, and each of its elements came from its own place there; a tensor that declares "
     "its piece ends as that. Where `source` declares another value, source judges instead.",
     judge_ckpt,
     "value coverage shift permutation other_tensor other_store meta dtype shape layout uncovered"},
    {"source",
     "Every tensor has the value that is declared for it: by the steps of `source`, as its value, "
     "or as the model's formula; and it ends as the piece that it declares.",
     judge_source, "value meta dtype shape layout"},
    {"replicas",
     "Every tensor is bit-equal, in dtype and shape too, on all ranks of one role that hold the "
     "same piece of it.",
     judge_replicas, "value state dtype shape meta"},
    {"alias", "Tied names share storage, and no others do; scratch may share with whom it likes.",
     judge_alias, "broken shared"},
    {"dtype", "Every tensor has the dtype that the model declares.", judge_dtype,
     "bool uint8 int8 int16 int32 int64 float8_e4m3fn float8_e5m2 float16 bfloat16 float32 "
     "float64"},
    {"memory", "No rank and no node holds more bytes at once than the case's `budget` allows.",
     judge_memory, "resident reserved", true},
    {"no_hang",
     "All members of each collective come, within the limits of those that wait; they say the "
     "same, and the transfer completes.",
     judge_no_hang, "op source name shape dtype size member missing timeout transport",
     true},
    {"no_error",
     "No rank raises or is aborted, and no update fails, but as `refuse` wants it; dying in "
     "sampling is judged by finite.",
     judge_no_error, "raised aborted update", true},
    {"symmetric_error",
     "What one rank raises, all ranks of its role raise: at the same step, where the program has "
     "them run it.",
     judge_symmetric_error, "one-sided"},
    {"clear_error",
     "Who meets an error is told its cause: the text names a tensor or a file, nobody is left with "
     "a time-out, and no request finds on meta what a failed update has taken down. What `refuse` "
     "calls bad is refused, by name.",
     judge_clear_error, "vague silent hidden late"},
    {"atomic",
     "An update that fails leaves all its tensors as they were, or has renewed them all; and alike "
     "on all ranks of a role.",
     judge_atomic, "changed torn"},
    {"invariant",
     "What `invariant` names does not matter: each case leaves the same in all tensors with each "
     "of its values.",
     judge_invariant, "value ending"},
    {"no_vacuous",
     "No step's selector matches nothing, no step works in vain, and no element is written more "
     "often than `limits` allows.",
     judge_no_vacuous, "empty nothing_read nothing_written overwritten rewritten", true},
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

std::vector<std::string> kinds_of(std::string_view oracle) {
  const OracleInfo* info = find_oracle(oracle);
  return info ? split_words(info->kinds) : std::vector<std::string>();
}

}  // namespace loadproof::harness
