// Observations made by hand: what tests of oracles, expectations and reports are fed with.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "harness/case.h"
#include "harness/oracles/oracle.h"
#include "sim/observation.h"

namespace loadproof::harness::testing {

// Steps of every world made here, as a loader has them.
enum Step : int32_t { kAlloc, kRead, kHold, kSync, kGenerate };
inline std::vector<StepLabel> step_labels() {
  return {{"alloc@3", "alloc", "x.yaml", 3},
          {"read@4", "read", "x.yaml", 4},
          {"hold", "alloc", "x.yaml", 5},
          {"sync", "broadcast", "x.yaml", 6},
          {"generate", "sample", "x.yaml", 7}};
}

inline StateRange range(int64_t begin, int64_t end, StateKind kind, int32_t step, int rank) {
  return {begin, end, kind, kind, step, step, rank, std::string(name(kind)) + " on rank " +
          std::to_string(rank)};
}

inline TensorObservation tensor(std::string name, std::vector<StateRange> states) {
  TensorObservation made;
  made.name = std::move(name);
  made.elements = states.empty() ? 64 : states.back().end;
  made.declared_shape = made.shape = {made.elements};
  for (const StateRange& one : states)
    made.state_counts[static_cast<size_t>(one.root)] += one.end - one.begin;
  made.states = std::move(states);
  made.reference.known = made.reference.equal = made.reference.from_file = true;
  made.digest = 11;
  return made;
}

// As the file has it.
inline TensorObservation loaded(std::string name, int rank = 0) {
  return tensor(std::move(name), {range(0, 64, StateKind::kLoaded, kRead, rank)});
}

// Received from rank 0, which had loaded it.
inline TensorObservation received(std::string name) {
  StateRange one = range(0, 64, StateKind::kReceived, kSync, 0);
  one.root = StateKind::kLoaded;
  one.root_step = kRead;
  return tensor(std::move(name), {one});
}

// Allocated on `rank` and never written: NaN, and so different from the file.
inline TensorObservation undefined(std::string name, int rank) {
  TensorObservation made =
      tensor(std::move(name), {range(0, 64, StateKind::kUndefined, kHold, rank)});
  made.nan = 64;
  made.reference = {.known = true,
                    .from_file = true,
                    .differing = 64,
                    .first_differing = 0,
                    .last_differing = 63,
                    .not_from_source = 64,
                    .reason = "64 of 64 elements differ"};
  made.digest = 22;
  return made;
}

inline TensorObservation on_meta(std::string name) {
  TensorObservation made = tensor(std::move(name), {range(0, 64, StateKind::kMeta, kAlloc, 0)});
  made.meta = true;
  made.digest = 0;
  made.reference = {.known = true, .from_file = true, .reason = "still on meta"};
  return made;
}

// Each tensor has storage of its own, unless a test binds it.
inline RankObservation rank(int index, std::vector<TensorObservation> tensors) {
  RankObservation made;
  made.rank = index;
  int32_t storage = 0;
  for (TensorObservation& one : tensors)
    if (one.storage < 0) one.storage = storage++;
  made.points.push_back({"end", -1, false, std::move(tensors)});
  return made;
}

// The rank sampled at `generate` what it holds, and drew this.
inline RankObservation& sampled(RankObservation& one, int64_t nan,
                                std::vector<Reach> reaching = {}) {
  Point point = one.points.back();
  point.id = "generate";
  point.step = kGenerate;
  point.sampled = true;
  one.points.insert(one.points.begin(), std::move(point));
  Generation generation;
  generation.step = kGenerate;
  generation.mode = "multinomial";
  generation.logits_elements = 1280;
  generation.nan = nan;
  generation.sampled_nan = nan;
  if (nan > 0) {
    generation.error = "probability tensor contains either `inf`, `nan` or element < 0";
    one.outcome = Outcome::kDiedSampling;
    one.error = generation.error;
    one.stopped_at = kGenerate;
  } else {
    generation.tokens = {5, 17};
  }
  generation.reaching = std::move(reaching);
  one.generations.push_back(std::move(generation));
  return one;
}

inline RankObservation& stopped(RankObservation& one, Outcome outcome, std::string error = {}) {
  one.outcome = outcome;
  one.error = std::move(error);
  one.stopped_at = kSync;
  return one;
}

inline Observation world(std::vector<RankObservation> ranks) {
  Observation seen;
  seen.steps = step_labels();
  seen.ranks = std::move(ranks);
  return seen;
}

inline Case plan_for(const Observation& seen) {
  Case plan;
  plan.id = "scenarios/x.yaml/dtype=bfloat16";
  plan.scenario = "scenarios/x.yaml";
  plan.axes = {{"dtype", "bfloat16"}};
  plan.topology = {1, static_cast<int>(seen.ranks.size())};
  return plan;
}

inline Verdict verdict_of(std::string_view oracle, const Observation& seen,
                          std::string_view at = {}) {
  return find_oracle(oracle)->judge(plan_for(seen), seen, at);
}

// A world of two that shares the founding fault: rank 1 was left out of everything.
inline Observation founding_world() {
  RankObservation zero = rank(0, {loaded("embed"), loaded("head")});
  RankObservation one = rank(1, {undefined("embed", 1), undefined("head", 1)});
  sampled(zero, 0);
  sampled(one, 1280,
          {{"embed", 0, 64, StateKind::kUndefined, "undefined on rank 1"},
           {"head", 0, 64, StateKind::kUndefined, "undefined on rank 1"}});
  return world({zero, one});
}

// A world of two in which all is well.
inline Observation sound_world() {
  RankObservation zero = rank(0, {loaded("embed"), loaded("head")});
  RankObservation one = rank(1, {received("embed"), received("head")});
  sampled(zero, 0);
  sampled(one, 0);
  return world({zero, one});
}

}  // namespace loadproof::harness::testing
