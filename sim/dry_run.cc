#include "sim/dry_run.h"

#include <fmt/format.h>

#include <utility>

#include "sim/alike.h"
#include "sim/disagreements.h"
#include "sim/engine.h"
#include "sim/gathered.h"
#include "sim/memory/ledger.h"
#include "sim/memory/poison.h"
#include "sim/price.h"

namespace loadproof::sim {
namespace {

// More kinds of ranks than that would take longer than anybody waits.
constexpr size_t kKindsMax = 2048;

// What one rank shows goes into what the world shows.
void add(Observation& seen, Observation one, const std::vector<int>& ranks) {
  if (seen.steps.empty()) seen.steps = std::move(one.steps);
  seen.ranks.push_back(std::move(one.ranks[0]));
  MemoryObservation& memory = seen.memory.emplace_back(std::move(one.memory.at(0)));
  memory.ranks = ranks;
  for (VacuousObservation& vacuous : one.vacuous) add_vacuous(seen.vacuous, std::move(vacuous));
  seen.events += one.events;
  seen.fingerprint = seen.fingerprint * 31 + one.fingerprint;
}

}  // namespace

Result<Observation> run_dry(const WorldSpec& spec, const Asset& asset) {
  const WithoutBytes scope;
  Result<std::unique_ptr<Backend>> backend = make_backend("sim", 1);
  if (!backend) return tl::make_unexpected(backend.error());
  const Groups groups(spec.topology);
  std::vector<LoggedRanks> classes;
  Observation seen;
  const std::vector<std::vector<int>> alike = ranks_alike(spec, asset, groups);
  if (alike.size() > kKindsMax)
    return fail(fmt::format("the {} ranks are of {} kinds, and a dry run tells at most {} apart",
                            spec.topology.ranks(), alike.size(), kKindsMax));
  for (const std::vector<int>& ranks : alike) {
    WorldSpec alone = spec;
    alone.alone = ranks.front();
    alone.memory = true;
    alone.schedule = 0;
    alone.writes = alone.committed = alone.contents = false;
    reset_ledger();
    Engine engine(alone, asset, **backend);
    Result<Observation> one = engine.run();
    if (!one) return one;
    add(seen, std::move(*one), ranks);
    classes.push_back({ranks, std::move(engine.take_costs().at(0))});
  }
  seen.peaks = peaks_of(classes, spec.topology);
  seen.mismatches = disagreements(classes, spec.topology, groups);
  seen.cost.push_back(price(classes, spec.topology, groups, spec.links));
  return seen;
}

}  // namespace loadproof::sim
