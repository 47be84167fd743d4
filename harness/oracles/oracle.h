// The seam of judges: an oracle is a pure function from a case and its observation to a verdict.
//
// It sees no world, draws nothing, keeps nothing. Adding one is one file and one row in oracles().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/case.h"
#include "sim/observation.h"

namespace loadproof::harness {

enum class Judgement : uint8_t { kPass, kFail, kUnknown };
std::string_view name(Judgement judgement);

// One thing that is wrong, placed: reports print it, expectations are held against it.
struct Finding {
  int rank = -1;
  std::string tensor;                 // "" where none is to blame
  int64_t begin = -1, end = -1;       // elements, row-major; -1: not of elements
  std::string state;  // name of the state at the end of the chain; "" = does not apply
  std::string chain;                  // how these bytes came to be
  int32_t step = -1;                  // the step that last wrote them, or at which it went wrong
  int32_t blamed_step = -1;  // the step that should have written them, where one can be named
  int root_rank = -1;                 // at which rank the chain ends
  std::string kind;                   // oracle's own word: nan, swap, size, missing, …
  std::string at;                     // the point that was judged
  std::string text;                   // a sentence
};

struct Verdict {
  std::string oracle;
  Judgement judgement = Judgement::kUnknown;
  std::string summary;                // a sentence; for kUnknown: why
  std::vector<Finding> findings;      // by rank, then in tensor order
};

// `at`: the point to judge; "" = what sampling read last, or the end.
struct OracleInfo {
  std::string_view name;
  std::string_view about;
  Verdict (*judge)(const Case&, const Observation&, std::string_view at);
  std::string_view kinds;  // what its findings may be of, parted by spaces
  bool dry = false;        // it can tell of a run on shapes alone
};

std::span<const OracleInfo> oracles();
const OracleInfo* find_oracle(std::string_view name);
// Empty: there is no such oracle.
std::vector<std::string> kinds_of(std::string_view oracle);

}  // namespace loadproof::harness
