// What a verb takes, as data: the harness checks scenarios against it, and the JSON Schema and the
// reference in scenarios/README.md are made from it. No torch type here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace loadproof {

enum class ParamType : uint8_t {
  kBool, kInt, kNumber, kSeconds /* 0 or more */, kText, kChoice, kInts /* list of integers */,
  kTexts /* one or a list */, kRanks, kTensors /* selector */, kDType,
  kGroup /* of ranks, by name */, kStore /* by name */, kSlice /* of a tensor: sim/slice.h */,
  kSteps,
};

struct ParamInfo {
  std::string_view name;
  ParamType type = ParamType::kText;
  bool required = false;
  std::string_view fallback;  // the value when it is left out, as written; "" = no value
  std::string_view choices;   // of kChoice: "meta empty zeros"
  std::string_view about;     // one sentence
  int64_t least = 0;          // of kInt
};

// Parameters that every verb takes besides its own: id, ranks, when; `of` where takes_of.
struct VerbInfo {
  std::string_view name;
  std::string_view about;    // one or two sentences
  std::string_view example;  // one line of YAML flow style, without the leading "- "
  bool takes_of = false;
  bool of_required = false;
  bool collective = false;
  std::span<const ParamInfo> params;
  bool reads = false;  // what the tensors of `of` hold, on every rank that runs it
  bool needs_bytes = false;  // a run on shapes alone passes it over
};

std::span<const VerbInfo> verb_infos();            // in the order of the reference
const VerbInfo* find_verb(std::string_view name);  // nullptr: no such verb

}  // namespace loadproof
