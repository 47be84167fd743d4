#include "sim/observation.h"

namespace loadproof {

std::string_view name(PeakObservation::Holder holder) {
  switch (holder) {
    case PeakObservation::Holder::kRank: return "rank";
    case PeakObservation::Holder::kNode: return "node";
    case PeakObservation::Holder::kDevice: return "device";
  }
  return "";
}

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFinished: return "finished";
    case Outcome::kRaised: return "raised";
    case Outcome::kDiedSampling: return "died sampling";
    case Outcome::kBlocked: return "blocked";
    case Outcome::kAborted: return "aborted";
  }
  return "";
}

const Point* judged_point(const RankObservation& rank, std::string_view at) {
  for (auto point = rank.points.rbegin(); point != rank.points.rend(); ++point)
    if (at.empty() ? point->sampled : point->id == at) return &*point;
  if (!at.empty() || rank.points.empty()) return nullptr;
  return &rank.points.back();
}

}  // namespace loadproof
