// Beam search of generate(): _beam_search of transformers 5.4.0 for one prompt, with its defaults
// (length penalty 1, early stopping off, no sampling). For generate.cc.
#pragma once

#include <span>

#include "sim/models/generate.h"

namespace loadproof::sim {

// Fills the prompt's statistics and the tokens of the best beam. What ATen throws leaves it.
void search_beams(const Model& model, std::span<const at::Tensor> tensors,
                  const GenerateOptions& options, GenerateResult& result);

}  // namespace loadproof::sim
