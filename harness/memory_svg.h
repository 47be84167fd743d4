// What cases held, as a picture: bytes over the steps of each group of equal ranks, and the peaks
// of nodes and devices as bars.
//
// A pure function: the same views give the same text, which is an SVG document of its own, for
// light and dark pages. Of more groups than kGroupsShown, those with the highest peaks are drawn.
#pragma once

#include <string>
#include <vector>

#include "harness/memory_view.h"

namespace loadproof::harness {

struct MemoryPicture {
  const MemoryView* here = nullptr;
  const MemoryView* there = nullptr;  // dashed, over the same panels; nullptr: there is none
};

std::string memory_svg(const std::vector<MemoryPicture>& pictures);

}  // namespace loadproof::harness
