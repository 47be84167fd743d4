// A cut as arguments of a step: what the verb `shard`, and a tensor's own declaration, say.
#pragma once

#include "sim/layout.h"
#include "sim/program.h"

namespace loadproof {

inline constexpr const char* kCutRules = "chunk even floor padded packed cyclic flat";
inline constexpr const char* kCutRulesAbout =
    "chunk: as torch.chunk, last pieces short or empty; even: an error unless it divides; floor: "
    "what is left over is in no piece; padded: all as long as the first; packed: each section is "
    "cut by itself; cyclic: row i belongs to member i % members; flat: as FSDP1 does, all tensors "
    "of the step in one row of elements, of which each member has an equal chunk; only names of "
    "the step move to the new storage";

CutRule cut_rule_named(std::string_view text);  // chunk where there is no such rule
// From dim, rule, multiple, sections and order; what is left out is as the verb has it.
Cut cut_of(const Step& step);

}  // namespace loadproof
