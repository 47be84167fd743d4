// Engine, sixth part: what ranks hold, and what that costs.
#include <algorithm>

#include "sim/accelerator.h"
#include "sim/engine.h"
#include "sim/memory/ledger.h"
#include "sim/price.h"

namespace loadproof::sim {

namespace {

bool names_devices(const Program& program) {
  return std::ranges::any_of(flat_steps(program), [](const Step* step) {
    return optional_arg<std::string>(*step, "device") != nullptr;
  });
}

}  // namespace

void Engine::place_on(const Accelerator& accelerator) {
  const bool some = names_devices(*spec_.program);
  for (Runner& each : runners_) {
    Places places;
    places[Device::kCuda] = accelerator.device_of(spec_.local_rank.value_or(each.rank.index()));
    places[Device::kCpu] = some ? at::Device(at::kCPU) : places[Device::kCuda];
    each.rank.set_places(places);
  }
}

void Engine::note_work(const StepContext& step, const Work& work) {
  if (const Runner& worker = runner(step.rank.index()); worker.costs) worker.costs->work(work);
}

void Engine::note_peak(Runner& runner, int32_t step) {
  if (!runner.memory) return;
  runner.memory->end();
  runner.costs->work({.touched = runner.memory->take_touched()});
  runner.costs->held(runner.memory->most(), step);
  if (spec_.committed) runner.memory->note_committed(read_ledger(runner.rank.index()).committed);
  if (peers_) turn_.held.push_back({completes_, false, runner.memory->most(), step});
  if (peaks_) peaks_->note(runner.rank.index(), runner.memory->most(), step);
}

void Engine::note_met(const Runner& runner, int32_t step) {
  if (peers_) turn_.held.push_back({completes_, true, runner.memory->now(), step});
  if (peaks_) peaks_->met(runner.rank.index(), runner.memory->now());
}

std::vector<CostLog> Engine::take_costs() {
  std::vector<CostLog> costs;
  for (Runner& each : runners_)
    if (each.costs) costs.push_back(std::move(*each.costs));
  return costs;
}

// Before the runners are taken apart.
void Engine::observe_memory() {
  for (const Runner& each : runners_)
    if (each.memory)
      seen_.memory.push_back(each.memory->observe(each.rank.index(), asset_.specs()));
  if (!peaks_) return;
  seen_.peaks = peaks_->take();
  std::vector<LoggedRanks> logged;
  for (const Runner& each : runners_) logged.push_back({{each.rank.index()}, *each.costs});
  seen_.cost.push_back(price(logged, spec_.topology, groups_, spec_.links));
}

}  // namespace loadproof::sim
