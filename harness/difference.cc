// Two observations of one case, side by side: the first thing that is not the same.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/runner.h"

namespace loadproof::harness {
namespace {

// The first member that differs gives its name.
class Parts {
 public:
  template <typename T>
  Parts& compare(std::string_view name, const T& a, const T& b) {
    if (found_.empty() && !(a == b)) found_ = name;
    return *this;
  }
  const std::string& found() const { return found_; }

 private:
  std::string found_;
};

// NaN is equal to nothing, itself included; where both runs have it, they do not differ.
Observation without_nan(Observation seen) {
  for (RankObservation& rank : seen.ranks)
    for (Generation& generation : rank.generations)
      if (std::isnan(generation.max_prob)) generation.max_prob = -1;
  return seen;
}

std::string in_tensor(const TensorObservation& a, const TensorObservation& b) {
  return Parts{}
      .compare("the name", a.name, b.name)
      .compare("the dtype", a.dtype, b.dtype)
      .compare("the shape", a.shape, b.shape)
      .compare("the states", a.states, b.states)
      .compare("the state counts", a.state_counts, b.state_counts)
      .compare("the number of NaN", a.nan, b.nan)
      .compare("the bytes", a.digest, b.digest)
      .compare("the storage", a.storage, b.storage)
      .compare("the flags", a.flags, b.flags)
      .compare("the comparison with the checkpoint", a.reference, b.reference)
      .compare("its description", a, b)
      .found();
}

std::string in_point(const Point& a, const Point& b) {
  if (a.id != b.id) return fmt::format("the point '{}' is '{}'", a.id, b.id);
  for (size_t i = 0; i < std::min(a.tensors.size(), b.tensors.size()); ++i) {
    const std::string part = in_tensor(a.tensors[i], b.tensors[i]);
    if (!part.empty()) return fmt::format("at '{}', {}: {}", a.id, a.tensors[i].name, part);
  }
  return a == b ? "" : fmt::format("at '{}': the number of tensors", a.id);
}

std::string in_generation(const Generation& a, const Generation& b) {
  return Parts{}
      .compare("the step", a.step, b.step)
      .compare("the tokens", a.tokens, b.tokens)
      .compare("the error", a.error, b.error)
      .compare("the number of NaN", a.nan, b.nan)
      .compare("the logits", a.logits_digest, b.logits_digest)
      .compare("what reaches sampling", a.reaching, b.reaching)
      .compare("its description", a, b)
      .found();
}

std::string in_rank(const RankObservation& a, const RankObservation& b) {
  for (size_t i = 0; i < std::min(a.points.size(), b.points.size()); ++i) {
    const std::string part = in_point(a.points[i], b.points[i]);
    if (!part.empty()) return part;
  }
  for (size_t i = 0; i < std::min(a.generations.size(), b.generations.size()); ++i) {
    const std::string part = in_generation(a.generations[i], b.generations[i]);
    if (!part.empty()) return fmt::format("generation {}: {}", i, part);
  }
  return Parts{}
      .compare("the outcome", a.outcome, b.outcome)
      .compare("where it stopped", a.stopped_at, b.stopped_at)
      .compare("the error", a.error, b.error)
      .compare("updates that failed", a.failed_updates, b.failed_updates)
      .compare("updates that ended well", a.finished_updates, b.finished_updates)
      .compare("the peak of reserved memory", a.reserved_peak, b.reserved_peak)
      .compare("the step of the memory's peak", a.reserved_peak_step, b.reserved_peak_step)
      .compare("the peak on its device", a.device_peak, b.device_peak)
      .compare("the number of points or generations", a, b)
      .found();
}

std::string in_comparable(const Observation& first, const Observation& second) {
  if (first.ranks.size() != second.ranks.size()) return "the number of ranks";
  for (size_t i = 0; i < first.ranks.size(); ++i) {
    const std::string part = in_rank(first.ranks[i], second.ranks[i]);
    if (!part.empty()) return fmt::format("rank {}, {}", first.ranks[i].rank, part);
  }
  return Parts{}
      .compare("mismatches of collectives", first.mismatches, second.mismatches)
      .compare("who waits", first.waits, second.waits)
      .compare("empty selections", first.vacuous, second.vacuous)
      .compare("the fingerprint of the event log", first.fingerprint, second.fingerprint)
      .compare("the number of events", first.events, second.events)
      .compare("the steps", first, second)
      .found();
}

}  // namespace

std::string first_difference(const Observation& first, const Observation& second) {
  return in_comparable(without_nan(first), without_nan(second));
}

}  // namespace loadproof::harness
