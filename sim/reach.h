// Which elements that must not reach sampling do reach it.
//
// Settled by trial, not by reading the model: the forward pass is run on copies in which the
// elements in question hold one set of arbitrary finite values, again with another, and with NaN,
// which unlike any number gets through a product with zero. Logits of the sampled position that
// differ in any bit prove that the elements reach it; halving the range narrows them to rows. NaN
// elsewhere, which would hide a difference, is replaced in all the copies. An element whose value
// cannot matter (a padding row that no token uses) is found clean, as it is.
#pragma once

#include <functional>
#include <vector>

#include "sim/assets.h"
#include "sim/chain.h"
#include "sim/observation.h"
#include "sim/rank.h"

namespace loadproof::sim {

// The logits that sampling is handed, of the model's tensors in declared order.
using SampledLogits = std::function<at::Tensor(std::span<const at::Tensor>)>;

// By tensor in declared order. Names that share storage are tried once, as the first of them; the
// scenario's own tensors, which no forward pass reads, count as read. Torch's exceptions pass
// through.
std::vector<Reach> find_reach(const Rank& rank, const Asset& asset, const ChainScope& scope,
                              const SampledLogits& logits);

// Tells the chains anew, for a rank that holds the same bytes and states by another way.
void retell_chains(const Rank& rank, const ChainScope& scope, std::vector<Reach>& reaching);

}  // namespace loadproof::sim
