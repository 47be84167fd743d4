// memory: no rank and no node holds more at once than the case allows.
#include <fmt/format.h>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

std::string bytes_text(int64_t bytes) {
  static constexpr std::pair<int64_t, std::string_view> kUnits[] = {
      {int64_t{1} << 40, "TiB"}, {int64_t{1} << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}};
  for (const auto& [unit, name] : kUnits)
    if (bytes >= unit)
      return fmt::format("{:.4g} {}", static_cast<double>(bytes) / static_cast<double>(unit), name);
  return fmt::format("{} B", bytes);
}

void compare(const Observation& seen, const PeakObservation& peak, std::string_view kind,
             int64_t held, const std::optional<int64_t>& allowed, std::vector<Finding>& findings) {
  if (!allowed || held <= *allowed) return;
  Finding finding;
  finding.rank = peak.is_node ? -1 : peak.index;
  finding.kind = kind;
  finding.step = peak.step;
  finding.text = fmt::format("{} {}: {} {} at once, {} allowed", peak.is_node ? "node" : "rank",
                             peak.index, bytes_text(held), kind, bytes_text(*allowed));
  if (kind == "resident")
    finding.text += fmt::format("; the peak stood at step {} of rank {}",
                                step_text(seen, peak.step), peak.rank);
  findings.push_back(std::move(finding));
}

}  // namespace

Verdict judge_memory(const Case& plan, const Observation& seen, std::string_view) {
  if (!plan.budget.any()) return unknown("memory", "the case states no budget");
  std::vector<Finding> findings;
  const Budget& budget = plan.budget;
  for (const PeakObservation& peak : seen.peaks) {
    compare(seen, peak, "resident", peak.resident,
            peak.is_node ? budget.node_resident : budget.rank_resident, findings);
    compare(seen, peak, "reserved", peak.reserved,
            peak.is_node ? budget.node_reserved : budget.rank_reserved, findings);
  }
  return conclude("memory", std::move(findings), "every rank and node stays within its budget");
}

}  // namespace loadproof::harness
