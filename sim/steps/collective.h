// What every collective verb takes beside its own arguments, in one place: who meets, how long one
// waits, and whether the bytes ever move.
#pragma once

#include <algorithm>
#include <array>
#include <iterator>

#include "sim/engine.h"
#include "sim/steps/verb_info.h"

namespace loadproof::sim {

inline constexpr ParamInfo kStridedParam = {
    "strided", ParamType::kChoice, false, "refuse", "refuse pack ignore",
    "what becomes of a view that is no dense stretch of memory; refuse: an error; pack: a dense "
    "copy moves and is written back; ignore: as many bytes move from its first one on"};

inline constexpr ParamInfo kCollectiveParams[] = {
    {"group", ParamType::kGroup, false, "world", "",
     "world, node, a mesh dimension, a role or a group"},
    {"timeout", ParamType::kSeconds, false, "", "",
     "how many virtual seconds a rank waits for the last one; for ever if left out"},
    {"stall", ParamType::kBool, false, "false", "",
     "a fault of the transport: all members post, and the transfer never completes"},
    {"async", ParamType::kBool, false, "false", "",
     "the rank goes on at once; bytes are read and written when all have come, and it may wait for "
     "that by `wait`"},
};

// A verb's own parameters, and then the common ones.
template <size_t N>
constexpr std::array<ParamInfo, N + std::size(kCollectiveParams)> with_collective_params(
    const ParamInfo (&own)[N]) {
  std::array<ParamInfo, N + std::size(kCollectiveParams)> all{};
  std::ranges::copy(kCollectiveParams, std::ranges::copy(own, all.begin()).out);
  return all;
}

Strided strided_of(const Step& step);

// The post of a step, as far as the common arguments tell it.
Post collective_post(const Step& step, Collective op);

}  // namespace loadproof::sim
