// What becomes of a model whose head is a placeholder that nobody ever writes. It is tried, by
// logits, softmax and a draw of at::multinomial, and not concluded from what the placeholder is.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "bench/placeholder.h"

namespace loadproof::bench {

enum class Fate : char {
  kNanReachesSampling,  // loud: multinomial says that probabilities are inf, nan or negative
  kSilentlyUniform,     // a token is drawn, and all logits are equal
  kSilentlyOther,       // a token is drawn
  kRefused,             // loud: another error
};

// Of a tensor that is copied into the placeholder as it stands, as a read or a broadcast would.
enum class Write : char { kKept, kRefused, kLost };

struct Outcome {
  Fate fate;
  Write write;
};

// What torch's memory holds that nobody has written: NaN, by the allocator of sim/memory/poison.h;
// or what the kernel gives, by torch's own.
enum class Underneath { kNan, kFreshPages };

// Each is tried once, in a process of its own, since an allocator is installed for good. Nothing:
// that process died. REQUIRES: as of RankProcesses.
std::optional<Outcome> outcome_of(const Placeholder& how, at::ScalarType dtype, Underneath memory);

// "over NaN: …; on fresh pages: …; a copy into it: …"
std::string told(const Outcome& over_nan, const Outcome& on_fresh_pages);

}  // namespace loadproof::bench
