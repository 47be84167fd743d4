#include "sim/engine.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "sim/check.h"
#include "sim/gathered.h"
#include "sim/memory/ledger.h"
#include "sim/memory/scan.h"
#include "sim/snapshot.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Engine::Engine(const WorldSpec& spec, const Asset& asset, Backend& backend,
               std::vector<at::Tensor> declared, Peers* peers)
    : spec_(spec),
      asset_(asset),
      backend_(backend),
      declared_(std::move(declared)),
      peers_(peers),
      first_(peers ? peers->rank() : spec.alone.value_or(0)),
      schedule_(spec.schedule, spec.topology.ranks()),
      groups_(spec.topology),
      rendezvous_(groups_.all()),
      stores_(asset, spec.topology) {
  for (size_t i = 0; i < asset.specs().size(); ++i)
    if (!asset.specs()[i].shared_over.empty()) shared_.push_back(static_cast<int>(i));
  for (const Step* step : flat_steps(*spec.program))
    seen_.steps.push_back({step->id, step->verb, step->where.file, step->where.line});
  const bool only_one = spec.alone || peers;
  if (spec.memory && !only_one) peaks_.emplace(spec.topology);
  const int ranks = only_one ? 1 : spec.topology.ranks();
  runners_.reserve(static_cast<size_t>(ranks));
  for (int rank = first_; rank < first_ + ranks; ++rank) {
    Runner& added = runners_.emplace_back(
        Runner{.rank = Rank(rank, asset.specs(), spec.topology, spec.whole, origins_)});
    if (spec.writes) added.rank.count_writes();
    if (spec.memory) {
      added.rank.keep_log(*(added.memory = std::make_unique<MemoryLog>()));
      added.costs = std::make_unique<CostLog>();
    }
    added.frames.push_back({.steps = &spec.program->steps});
    added.seen.rank = rank;
    ready_.push_back(rank);
  }
}

Result<void> Engine::lay_out() {
  if (spec_.whole) return {};
  for (size_t i = 0; i < asset_.specs().size(); ++i) {
    const TensorSpec& spec = asset_.specs()[i];
    if (!spec.cut) continue;
    for (Runner& each : runners_) {
      const Result<Place> place = groups_.place_in(spec.cut_over, each.rank.index());
      if (!place) continue;  // a rank beside the group has the whole tensor
      Result<Shard> shard = cut_again(std::nullopt, spec.shape, *spec.cut, spec.cut_over, *place);
      if (!shard) return fail(fmt::format("tensor {}: {}", spec.name, shard.error().message));
      each.rank.declare(static_cast<int>(i), std::move(*shard));
    }
  }
  return {};
}

Result<Observation> Engine::run() {
  if (auto laid = lay_out(); !laid) return tl::make_unexpected(laid.error());
  const bool by_steps = schedule_.by_steps();
  while (true) {
    if (auto begun = begin_turn(); !begun) return tl::make_unexpected(begun.error());
    while (!ready_.empty()) {
      const size_t at = schedule_.next(ready_);
      const int rank = ready_[at];
      ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(at));
      advance(runner(rank), by_steps);
      if (by_steps && !runner(rank).stopped && runner(rank).current && runner(rank).waiting == 0)
        ready_.push_back(rank);
      if (by_steps)
        if (auto met = meet(); !met) return tl::make_unexpected(met.error());
    }
    if (auto met = meet(); !met) return tl::make_unexpected(met.error());
    if (ready_.empty() && (!peers_ || over_)) return finish();
  }
}

// Where ranks share no memory and no store they see each other at a meeting alone, so that running
// one as far as it can go is as good an interleaving as any.
void Engine::advance(Runner& runner, bool only_one) {
  bool more = true;
  while (more && !runner.stopped && runner.waiting == 0) {
    more = !only_one;
    if (runner.raised) end_update(runner);
    const Step* step = next_step(runner);
    if (!step) return;
    if (++steps_taken_ > spec_.steps_max)
      return stop(runner, Outcome::kRaised,
                  fmt::format("the world took more than {} steps", spec_.steps_max));
    runner.current = step;
    if (peers_) peers_->tell_step(step->id);
    run_step(runner, *step);
  }
}

const Step* Engine::next_step(Runner& runner) {
  while (!runner.frames.empty()) {
    Frame& frame = runner.frames.back();
    while (frame.next < frame.steps->size()) {
      const Step& step = (*frame.steps)[frame.next++];
      if (step.ranks.contains(runner.rank.index(), spec_.topology)) return &step;
    }
    const bool more_items = frame.item + frame.chunk < frame.items.size();
    if (more_items || frame.turn + 1 < frame.turns) {
      if (more_items)
        frame.item += frame.chunk;
      else
        ++frame.turn;
      frame.next = 0;
      continue;
    }
    if (frame.update) {
      tell_outcome(runner.rank, *frame.update, /*failed=*/false);
      finish_update(runner, *frame.update);
    }
    runner.frames.pop_back();
  }
  runner.current = nullptr;
  return nullptr;
}

void Engine::run_step(Runner& runner, const Step& step) {
  const RankScope scope(runner.rank.index(), step.index);
  if (runner.memory) runner.memory->begin(step.index);
  const Verb* verb = find_verb_row(step.verb);
  SIM_CHECK(verb, "verb '{}'", step.verb);
  if (dry() && verb->info.needs_bytes) return;
  if (!step.if_any.empty() && resolve_on(runner.rank, step.if_any).empty()) return;
  std::vector<int> selected;
  if (verb->info.takes_of && !step.of.empty()) {
    selected = select(runner, step);
    if (selected.empty()) return;
    if (verb->info.reads)
      for (int slot : selected) runner.rank.note_read(slot);
  }
  StepContext context{*this, runner.rank, step, selected};
  Result<void> done;
  // The one place where what torch throws becomes an error of the simulated rank.
  try {
    done = verb->run(context);
  } catch (const c10::Error& error) {
    done = fail(first_line(error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    done = fail("out of memory");
  } catch (const std::exception& error) {
    done = fail(first_line(error.what()));
  }
  log_writes(runner, selected);
  share(runner);
  note_peak(runner, step.index);
  if (!done) raise(runner, done.error().message);
}

void Engine::share(const Runner& sharer) {
  if (shared_.empty()) return;
  const int rank = sharer.rank.index();
  if (sharer.shared_version == sharer.rank.version()) return;
  for (int slot : shared_) {
    const Slot& held = sharer.rank.slot(slot);
    const Result<int> group = groups_.index_of(held.spec->shared_over, rank);
    if (!group || !held.held) continue;
    for (int member : groups_.ranks_of(*group)) {
      if (member == rank || !runs(member)) continue;
      Rank& other = runner(member).rank;
      if (!other.slot(slot).held) continue;
      if (held.value.is_same(other.slot(slot).value) &&
          sharer.rank.storage_states(slot) == other.storage_states(slot))
        continue;
      other.adopt(slot, sharer.rank);
      runner(member).shared_version = other.version();
    }
  }
  runner(rank).shared_version = sharer.rank.version();
}

std::vector<int> Engine::select(const Runner& runner, const Step& step) {
  std::vector<int> selected = resolve_on(runner.rank, step.of);
  if (selected.empty()) {
    if (!means_others(runner.rank, step.of)) note_vacuous(runner, step);
    return selected;
  }
  if (step.when.empty()) return selected;
  const std::vector<int> meant = resolve_on(runner.rank, step.when);
  std::erase_if(selected,
                [&](int slot) { return !std::binary_search(meant.begin(), meant.end(), slot); });
  return selected;
}

std::vector<int> Engine::resolve_on(const Rank& rank, const Selector& selector) {
  SelectionScope scope{origins_, asset_.in_file()};
  for (const Frame& frame : runner(rank.index()).frames)
    if (!frame.items.empty()) scope.it = frame.it();
  for (const Selector::Node& node : selector.nodes())
    if (node.op == Selector::Op::kStored)
      scope.stored[node.text] = stores_.of(node.text, rank.index()).readable_keys();
  return resolve(selector, rank, scope);
}

// Whether the selector means tensors that the rank is declared not to have.
bool Engine::means_others(const Rank& rank, const Selector& selector) const {
  return !resolve(selector, rank, {origins_, asset_.in_file(), {}, /*held=*/false}).empty();
}

void Engine::note_vacuous(const Runner& runner, const Step& step) {
  add_vacuous({step.index, {runner.rank.index()}, step.of.text()});
}

void Engine::note_nothing(const StepContext& step, std::string kind, std::string text,
                          std::vector<std::string> tensors) {
  add_vacuous({step.step.index, {step.rank.index()}, step.step.of.text(), std::move(kind),
               std::move(text), std::move(tensors)});
}

void Engine::add_vacuous(VacuousObservation seen) {
  loadproof::sim::add_vacuous(seen_.vacuous, std::move(seen));
}

void Engine::stop(Runner& runner, Outcome outcome, std::string error) {
  runner.stopped = true;
  runner.seen.outcome = outcome;
  runner.seen.stopped_at = runner.current ? runner.current->index : -1;
  runner.seen.error = std::move(error);
  log(digest(runner.seen.error.data(), runner.seen.error.size()));
}

void Engine::enter_each(const StepContext& step, int64_t chunk) {
  if (step.selected.empty()) return;
  runner(step.rank.index())
      .frames.push_back({.steps = &step.step.body,
                         .over = &step.step.of,
                         .items = {step.selected.begin(), step.selected.end()},
                         .chunk = static_cast<size_t>(chunk)});
}

void Engine::enter_repeat(const StepContext& step, int64_t times) {
  if (times > 0)
    runner(step.rank.index()).frames.push_back({.steps = &step.step.body, .turns = times});
}

const Selector* Engine::loop_over(int rank) const {
  const Selector* over = nullptr;
  for (const Frame& frame : runner(rank).frames)
    if (frame.over) over = frame.over;
  return over;
}

int64_t Engine::turn(int rank) const {
  int64_t turn = 0;
  for (const Frame& frame : runner(rank).frames)
    if (frame.turns > 0) turn = frame.turn;
  return turn;
}

void Engine::work(const StepContext& step, double seconds) {
  note_work(step, {.seconds = seconds});
  if (peers_)
    turn_.events.emplace_back(Working{seconds, step.step.id});
  else
    rendezvous_.clocks().work(step.rank.index(), seconds, step.step.id);
}

at::Generator& Engine::generator(int rank) {
  std::optional<at::Generator>& generator = runner(rank).generator;
  if (!generator) generator = new_generator(spec_.seed * 1'000'003 + static_cast<uint64_t>(rank));
  return *generator;
}

at::Generator& Engine::shared_generator(int rank) {
  std::optional<at::Generator>& generator = runner(rank).shared_generator;
  if (!generator) generator = new_generator(spec_.seed * 1'000'003 + 999'983);
  return *generator;
}

ChainScope Engine::chain_scope() const { return {origins_, asset_.checkpoint(), seen_.steps}; }

const std::vector<TensorObservation>& Engine::take_point(const StepContext& step, bool sampled) {
  Runner& taker = runner(step.rank.index());
  std::vector<Point>& points = taker.seen.points;
  const bool same = !points.empty() && taker.point_version == taker.rank.version();
  std::vector<TensorObservation> tensors =
      dry()  ? std::vector<TensorObservation>()
      : same ? points.back().tensors
             : observe_tensors(taker.rank, asset_, declared_, chain_scope());
  for (const TensorObservation& tensor : tensors) log(tensor.digest);
  points.push_back({step.step.id, step.step.index, sampled, std::move(tensors)});
  taker.point_version = taker.rank.version();
  return points.back().tensors;
}

void Engine::add_generation(const StepContext& step, loadproof::Generation generation) {
  for (int64_t token : generation.tokens) log(static_cast<uint64_t>(token));
  Runner& taker = runner(step.rank.index());
  if (!generation.error.empty()) stop(taker, Outcome::kDiedSampling, generation.error);
  taker.seen.generations.push_back(std::move(generation));
}

const loadproof::Generation* Engine::remembered(uint64_t key) const {
  auto found = memory_.find(key);
  return found == memory_.end() ? nullptr : &found->second;
}

void Engine::remember(uint64_t key, const loadproof::Generation& generation) {
  memory_.emplace(key, generation);
}

void Engine::log(uint64_t value) {
  ++seen_.events;
  const uint64_t pair[] = {seen_.fingerprint, value};
  seen_.fingerprint = digest(pair, sizeof pair);
}

// What a step did, as the states of what it was about: the bytes follow from them and the fill.
void Engine::log_writes(const Runner& runner, std::span<const int> slots) {
  log(static_cast<uint64_t>(runner.rank.index()) << 32 |
      static_cast<uint32_t>(runner.current ? runner.current->index : -1));
  for (int slot : slots)
    for (const Interval& interval : runner.rank.states(slot).intervals())
      log(static_cast<uint64_t>(interval.begin) * 31 + static_cast<uint64_t>(interval.cell.origin));
}

std::vector<at::Tensor> Engine::values() const {
  const Rank& rank = runners_[0].rank;
  std::vector<at::Tensor> values;
  for (size_t i = 0; i < rank.slots().size(); ++i) {
    const std::vector<Interval>& states = rank.states(static_cast<int>(i)).intervals();
    const bool written = std::ranges::none_of(states, [&](const Interval& interval) {
      return must_not_reach_sampling(origins_.root_kind(interval.cell.origin));
    });
    const at::Tensor& value = rank.slots()[i].value;
    values.push_back(written && !value.is_meta() ? value : at::Tensor());
  }
  // A tied name that the steps leave alone has the value of what it is tied to.
  for (size_t i = 0; i < values.size(); ++i)
    if (const auto tied = asset_.slot_named(asset_.specs()[i].tied_to);
        tied && !values[i].defined())
      values[i] = values[static_cast<size_t>(*tied)];
  return values;
}

Observation Engine::finish() {
  if (!dry() && !peers_) note_waits();
  observe_memory();
  for (Runner& ended : runners_) {
    const bool waits = !ended.stopped && ended.waiting > 0;
    if (waits) {
      ended.seen.outcome = Outcome::kBlocked;
      ended.seen.stopped_at = ended.current->index;
    }
    const bool same = !ended.seen.points.empty() && ended.point_version == ended.rank.version();
    ended.seen.points.push_back(
        {"end", -1, false,
         dry()  ? std::vector<TensorObservation>()
         : same ? ended.seen.points.back().tensors
              : observe_tensors(ended.rank, asset_, declared_, chain_scope())});
    if (spec_.contents) add_contents(ended.rank, ended.seen.points.back().tensors);
    const LedgerReading ledger = read_ledger(ended.rank.index());
    ended.seen.reserved_peak = ledger.reserved_peak;
    ended.seen.reserved_peak_step = ledger.peak_step;
    const LedgerReading away = read_ledger(ended.rank.index(), Device::kCuda);
    ended.seen.device_peak = away.reserved_peak;
    ended.seen.device_peak_step = away.peak_step;
    if (spec_.writes) add_writes(ended.rank, origins_, seen_.writes);
    seen_.ranks.push_back(std::move(ended.seen));
  }
  return std::move(seen_);
}

}  // namespace loadproof::sim
