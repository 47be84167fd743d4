// What a case held, as a person reads it: for each group of equal ranks its steps, the tensors at
// its peak, and then the peaks of nodes and devices.
//
// A pure function; lines of at most 100 columns, without spaces at their ends. Of more groups than
// kGroupsShown, those with the highest peaks are shown.
#pragma once

#include <string>

#include "harness/memory_view.h"

namespace loadproof::harness {

std::string memory_table(const MemoryView& view, bool colour = false);

}  // namespace loadproof::harness
