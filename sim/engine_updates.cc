// Engine, third part: what becomes of an error, inside an update and outside of any.
#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/check.h"
#include "sim/engine.h"
#include "sim/memory/ledger.h"
#include "sim/memory/scan.h"

namespace loadproof::sim {
namespace {

// By the bytes that a reader should hear of first.
ChangedTensor changed_tensor(const Rank& rank, int slot, const ChainScope& scope) {
  ChangedTensor changed{.name = rank.slot(slot).spec->name};
  const std::vector<Interval>& intervals = rank.states(slot).intervals();
  if (intervals.empty()) return changed;
  auto told = std::ranges::find_if(intervals, [&](const Interval& interval) {
    return must_not_reach_sampling(scope.origins.root_kind(interval.cell.origin));
  });
  if (told == intervals.end()) told = intervals.begin();
  changed.state = scope.origins.root_kind(told->cell.origin);
  changed.chain = describe_chain(scope, told->cell, told->end - told->begin);
  return changed;
}

}  // namespace

void Engine::enter_update(const StepContext& step) {
  Runner& entered = runner(step.rank.index());
  Update update{.step = &step.step,
                .run = entered.updates[&step.step]++,
                .about = {step.selected.begin(), step.selected.end()}};
  for (size_t i = 0; i < step.rank.slots().size(); ++i)
    update.held.push_back({step.rank.slots()[i].storage, step.rank.states(static_cast<int>(i))});
  if (arg<std::string>(step.step, "on_error") == "restore") update.before = step.rank.clone();
  entered.frames.push_back({.steps = &step.step.body, .update = std::move(update)});
}

// Posts of the step that raises are those of a rank that waits for each before it makes the next:
// inside an update, the error comes once they have met.
void Engine::raise(Runner& runner, std::string error) {
  if (std::ranges::any_of(runner.frames, [](const Frame& f) { return f.update.has_value(); }))
    runner.raised = std::move(error);
  else
    stop(runner, Outcome::kRaised, std::move(error));
}

// The flag that tells how the update ended.
void Engine::tell_outcome(Rank& rank, const Update& update, bool failed) {
  const auto* flag = optional_arg<std::string>(*update.step, "failed");
  if (!flag) return;
  for (size_t i = 0; i < rank.slots().size(); ++i)
    if (update.about.empty() || std::ranges::binary_search(update.about, static_cast<int>(i)))
      rank.set_flag(static_cast<int>(i), *flag, failed);
}

void Engine::end_update(Runner& runner) {
  while (!runner.frames.back().update) runner.frames.pop_back();
  Update update = std::move(*runner.frames.back().update);
  runner.frames.pop_back();
  FailedUpdate failed{.step = update.step->index,
                      .raised_at = runner.current->index,
                      .error = *std::exchange(runner.raised, std::nullopt),
                      .on_error = arg<std::string>(*update.step, "on_error"),
                      .run = update.run,
                      .points = static_cast<int64_t>(runner.seen.points.size())};
  if (runner.memory) runner.memory->begin(failed.step);
  if (update.before) restore(runner.rank, update);
  note_peak(runner, failed.step);
  note_tensors(runner.rank, update, failed);
  tell_outcome(runner.rank, update, /*failed=*/true);
  log(digest(failed.error.data(), failed.error.size()));
  std::vector<int> all(runner.rank.slots().size());
  std::iota(all.begin(), all.end(), 0);
  log_writes(runner, all);
  runner.seen.failed_updates.push_back(std::move(failed));
}

bool Engine::is_about(const Rank& rank, const Update& update, int slot) {
  if (update.about.empty()) return rank.slot(slot).spec->kind != TensorKind::kScratch;
  return std::ranges::binary_search(update.about, slot);
}

// What the update is about goes back; with no `of`, all of the rank does.
void Engine::restore(Rank& rank, Update& update) {
  if (update.about.empty()) return rank.go_back_to(std::move(*update.before));
  const Rank now = rank;
  rank.go_back_to(std::move(*update.before));
  std::vector<int> others;
  for (int slot = 0; slot < static_cast<int>(rank.slots().size()); ++slot)
    if (!is_about(rank, update, slot)) others.push_back(slot);
  rank.take(now, others);
}

// When its storage and all its states are as before: what writes bytes writes states.
bool Engine::is_unchanged(const Rank& rank, const Update& update, int slot) {
  const Update::Held& held = update.held[static_cast<size_t>(slot)];
  return rank.slot(slot).storage == held.storage && rank.states(slot) == held.states;
}

void Engine::finish_update(Runner& runner, const Update& update) const {
  FinishedUpdate finished{.step = update.step->index, .run = update.run};
  for (int slot = 0; slot < static_cast<int>(update.held.size()); ++slot)
    if (is_about(runner.rank, update, slot) && !is_unchanged(runner.rank, update, slot))
      finished.changed.push_back(runner.rank.slot(slot).spec->name);
  runner.seen.finished_updates.push_back(std::move(finished));
}

void Engine::note_tensors(const Rank& rank, const Update& update, FailedUpdate& failed) const {
  for (int slot = 0; slot < static_cast<int>(update.held.size()); ++slot) {
    if (is_unchanged(rank, update, slot)) {
      if (is_about(rank, update, slot)) failed.unchanged.push_back(rank.slot(slot).spec->name);
      continue;
    }
    failed.changed.push_back(changed_tensor(rank, slot, chain_scope()));
    failed.changed.back().judged = is_about(rank, update, slot);
  }
}

}  // namespace loadproof::sim
