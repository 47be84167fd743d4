// A case's program by rank: which steps who runs.
//
// A table with a row for each step and a column for each group of ranks that run the same ones, in
// the order of the first rank of each. Where there are more groups than a line has room for, each
// group's steps are listed by themselves instead.
#pragma once

#include <string>

#include "harness/case.h"

namespace loadproof::harness {

std::string program_text(const Case& plan);

}  // namespace loadproof::harness
