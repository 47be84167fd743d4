// Gloo's all_reduce without Gloo: the same reductions in the same order, hence the same bits.
//
// Source: gloo/allreduce.cc, ring(). The tensor is cut into one chunk a member; chunk c starts at
// member c-1, travels down (c-2, c-3, ...) and ends at member c, and each member on the way puts
// reduce(own, arrived) in its place. The order matters where a NaN is about, see ring.cc.
#pragma once

#include "sim/backends/backend.h"

namespace loadproof::sim {

// `transfer` is an all_reduce that passed check() and check_reducible().
void all_reduce_in_ring(const Transfer& transfer);

}  // namespace loadproof::sim
