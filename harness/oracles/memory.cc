// memory: no rank, no node and no device holds more at once than the case allows.
#include <fmt/format.h>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/standing.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

using Holder = PeakObservation::Holder;

int64_t held_of(const PeakObservation& peak, std::string_view kind) {
  return kind == "resident" ? peak.resident : peak.reserved;
}

using Rise = PeakObservation::Rise;

// The step that took it above; nullptr: nobody noted that.
const Rise* first_above(const PeakObservation& peak, std::string_view kind, int64_t bytes) {
  for (const Rise& rise : peak.rises)
    if ((kind == "resident" ? rise.to.resident : rise.to.reserved) > bytes) return &rise;
  return nullptr;
}

struct Allowed {
  int64_t bytes = 0;
  std::string why;  // a phrase for where the number comes from; empty: the case states it
};

// Nothing: the variant could not be run, or has no such rank, node or device.
std::optional<Allowed> allowed_of(const Observation& seen, const PeakObservation& peak,
                                  std::string_view kind, const Limit& limit) {
  if (limit.variant.empty()) return Allowed{limit.bytes, ""};
  const auto baseline =
      std::ranges::find(seen.baselines, limit.variant, &BaselineObservation::variant);
  if (baseline == seen.baselines.end()) return std::nullopt;
  for (const PeakObservation& other : baseline->peaks) {
    if (other.holder != peak.holder || other.index != peak.index) continue;
    const int64_t theirs = held_of(other, kind);
    return Allowed{static_cast<int64_t>(static_cast<double>(theirs) * limit.share),
                   fmt::format(" ({:g}% of the {} of {})", limit.share * 100, bytes_text(theirs),
                               limit.variant)};
  }
  return std::nullopt;
}

// What stood at the peak on the rank that ran it, the largest first.
std::string standing_text(const Observation& seen, const PeakObservation& peak) {
  constexpr size_t kShown = 3;
  const Device device = peak.holder == Holder::kDevice ? Device::kCuda : Device::kCpu;
  const auto memory = std::ranges::find_if(seen.memory, [&](const MemoryObservation& one) {
    return std::ranges::binary_search(one.ranks, peak.rank);
  });
  if (memory == seen.memory.end() || memory->peaks[device].standing.empty()) return "";
  std::string text = fmt::format("at its own peak rank {} held", peak.rank);
  const std::vector<Pile> piles = piles_of(memory->peaks[device].standing);
  for (size_t i = 0; i < piles.size() && i < kShown; ++i)
    text += fmt::format("{} {} ({}{}{})", i > 0 ? "," : "", piles[i].name,
                        piles[i].count > 1 ? fmt::format("{} × ", piles[i].count) : "",
                        bytes_text(piles[i].bytes.resident),
                        piles[i].needed ? "" : ", no longer needed");
  if (piles.size() > kShown) text += fmt::format(", and {} more", piles.size() - kShown);
  return text;
}

void compare(const Observation& seen, const PeakObservation& peak, std::string_view kind,
             const std::optional<Limit>& limit, std::vector<Finding>& findings) {
  if (!limit) return;
  const auto allowed = allowed_of(seen, peak, kind, *limit);
  const int64_t held = held_of(peak, kind);
  if (!allowed || held <= allowed->bytes) return;
  Finding finding;
  finding.rank = peak.holder == Holder::kRank ? peak.index : -1;
  finding.kind = kind;
  const Rise* broke = first_above(peak, kind, allowed->bytes);
  finding.step = broke ? broke->step : peak.step;
  const std::string more =
      peak.alike.size() < 2 ? "" : fmt::format(" and {} more like it", peak.alike.size() - 1);
  finding.text = fmt::format("{} {}{}: {} {} at once, {} allowed{}", name(peak.holder), peak.index,
                             more, bytes_text(held), kind, bytes_text(allowed->bytes),
                             allowed->why);
  if (broke)
    finding.text += fmt::format("; broken by step {} of rank {}", step_text(seen, broke->step),
                                broke->rank);
  if (broke && kind == "resident" && peak.step != broke->step)
    finding.text += fmt::format(", and the peak stood at step {} of rank {}",
                                step_text(seen, peak.step), peak.rank);
  finding.chain = standing_text(seen, peak);
  findings.push_back(std::move(finding));
}

}  // namespace

Verdict judge_memory(const Case& plan, const Observation& seen, std::string_view) {
  if (!plan.budget.any()) return unknown("memory", "the case states no budget");
  std::vector<Finding> findings;
  const Budget& budget = plan.budget;
  for (const PeakObservation& peak : seen.peaks) {
    const bool node = peak.holder == Holder::kNode, device = peak.holder == Holder::kDevice;
    compare(seen, peak, "resident",
            device ? budget.device_resident : node ? budget.node_resident : budget.rank_resident,
            findings);
    compare(seen, peak, "reserved",
            device ? budget.device_reserved : node ? budget.node_reserved : budget.rank_reserved,
            findings);
  }
  return conclude("memory", std::move(findings),
                  "every rank, node and device stays within its budget");
}

}  // namespace loadproof::harness
