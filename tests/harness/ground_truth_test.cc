// All recorded cases of the real libraries, replayed as the scenarios of scenarios/ground_truth and
// compared rank by rank, tensor by tensor. tests/golden/transformers.json is the recording.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/plan.h"
#include "harness/runner.h"

namespace loadproof::harness {
namespace {

using Json = nlohmann::json;
using Differences = std::vector<std::string>;

constexpr size_t kRecorded = 90;
constexpr double kProbabilityTolerance = 2e-3;  // relative: sums of exponentials round by machine

Json recording() {
  std::ifstream file(std::string(LOADPROOF_SOURCE_DIR) + "/tests/golden/transformers.json");
  return Json::parse(file).at("cases");
}

std::string axis(const Case& plan, const std::string& name) {
  for (const auto& [key, value] : plan.axes)
    if (key == name) return value;
  return "";
}

// The recording's name of a case: "5.4.0/w2/qwen2_tied_bf16/plain+only4527".
std::string recorded_id(const Case& plan) {
  const std::string change = axis(plan, "change");
  return fmt::format("{}/w{}/{}/{}{}", axis(plan, "version"), plan.topology.ranks(),
                     axis(plan, "model"), axis(plan, "then"), change.empty() ? "" : "+" + change);
}

// A tensor's state in the words of the recording.
std::string state_of(const TensorObservation& tensor) {
  if (tensor.meta) return "meta";
  if (tensor.nan == tensor.elements) return "nan";
  if (tensor.nan > 0) return fmt::format("nan:{}/{}", tensor.nan, tensor.elements);
  if (tensor.reference.equal) return "ckpt";
  if (tensor.zero == tensor.elements) return "zero";
  return tensor.one == tensor.elements ? "ones" : "other";
}

const Point* point_of(const RankObservation& rank, const std::string& id) {
  for (const Point& point : rank.points)
    if (point.id == id) return &point;
  return nullptr;
}

const Generation* generation_of(const Observation& seen, const RankObservation& rank,
                                const std::string& id) {
  for (const Generation& generation : rank.generations)
    if (seen.steps.at(static_cast<size_t>(generation.step)).id == id) return &generation;
  return nullptr;
}

void compare_states(const Json& recorded, const Point* point, const std::string& where,
                    Differences& differences) {
  if (!point) return differences.push_back(where + ": never got there");
  std::map<std::string, std::string> got;
  for (const TensorObservation& tensor : point->tensors)
    got[(tensor.kind == TensorKind::kParameter ? "" : "buffer:") + tensor.name] = state_of(tensor);
  for (const auto& [name, state] : recorded.items()) {
    const auto found = got.find(name);
    const std::string mine = found == got.end() ? "absent" : found->second;
    if (mine != state.get<std::string>())
      differences.push_back(fmt::format("{}, {}: {}, recorded {}", where, name, mine,
                                        state.get<std::string>()));
    got.erase(name);
  }
  for (const auto& [name, state] : got)
    differences.push_back(fmt::format("{}, {}: {}, not recorded", where, name, state));
}

template <typename T>
void compare(const std::string& what, const T& mine, const Json& recorded,
             Differences& differences) {
  if (Json(mine) != recorded)
    differences.push_back(
        fmt::format("{}: {}, recorded {}", what, Json(mine).dump(), recorded.dump()));
}

void compare_logits(const Json& recorded, const Generation& mine, const std::string& where,
                    Differences& differences) {
  compare(where + ", logits", mine.logits_elements, recorded.at("numel"), differences);
  compare(where + ", NaN", mine.nan, recorded.at("nan"), differences);
  compare(where + ", inf", mine.inf, recorded.at("inf"), differences);
  compare(where + ", argmax", mine.argmax_last, recorded.at("argmax_last"), differences);
  compare(where + ", all equal", mine.all_equal, recorded.at("all_equal"), differences);
  const Json& probability = recorded.at("max_prob");
  const bool equal = probability.is_string()
                         ? std::isnan(mine.max_prob)
                         : std::abs(mine.max_prob - probability.get<double>()) <=
                               kProbabilityTolerance * probability.get<double>();
  if (!equal)
    differences.push_back(fmt::format("{}, greatest probability: {}, recorded {}", where,
                                      mine.max_prob, probability.dump()));
}

// Only steps after the load are a reason to record the states again.
const Json& states_at_end(const Json& rank) {
  return rank.contains("at_end") ? rank.at("at_end") : rank.at("after_load");
}

// The library drew its own random numbers where 5.3.0 initialised a rank; values that come of them
// are nobody's to repeat. Such tensors are written down as other, ones or zero.
bool drawn(const Json& rank, const std::string& version) {
  return version == "5.3.0" && std::ranges::any_of(states_at_end(rank), [](const Json& state) {
           return state.get<std::string>() != "ckpt";
         });
}

void compare_tokens(const Json& rank, const Observation& seen, const RankObservation& mine,
                    const std::string& where, Differences& differences) {
  for (const std::string id : {"generate", "greedy"}) {
    const Generation* generation = generation_of(seen, mine, id);
    const bool recorded = rank.contains(id),
               failed = rank.contains("errors") && rank["errors"].contains(id);
    if (!generation) {
      if (recorded || failed) differences.push_back(fmt::format("{}: no {}", where, id));
      continue;
    }
    if (id == "generate") compare_logits(rank.at("forward"), *generation, where, differences);
    if (recorded) compare(where + ", " + id, generation->tokens, rank.at(id), differences);
    const std::string error =
        failed ? rank["errors"][id].at("message").get<std::string>() : "";
    compare(where + ", error of " + id, generation->error, error, differences);
  }
}

Differences differences_of(const Json& recorded, const Observation& seen) {
  Differences differences;
  const Json& ranks = recorded.at("ranks");
  if (ranks.size() != seen.ranks.size()) return {"another number of ranks"};
  for (size_t i = 0; i < ranks.size(); ++i) {
    const RankObservation& mine = seen.ranks[i];
    const std::string where = fmt::format("rank {}", i);
    compare_states(ranks[i].at("after_load"), point_of(mine, "after_load"), where + " after load",
                   differences);
    const Json& end =
        ranks[i].contains("at_end") ? ranks[i].at("at_end") : ranks[i].at("after_load");
    compare_states(end, point_of(mine, "end"), where + " at the end", differences);
    const Outcome outcome =
        ranks[i].contains("errors") ? Outcome::kDiedSampling : Outcome::kFinished;
    if (mine.outcome != outcome)
      differences.push_back(
          fmt::format("{}: {}, recorded {}", where, name(mine.outcome), name(outcome)));
    if (!drawn(ranks[i], recorded.at("transformers")))
      compare_tokens(ranks[i], seen, mine, where, differences);
  }
  return differences;
}

// Runs every scenario of the folder; differences by the recording's ids.
std::map<std::string, Differences> replay(const std::string& backend, const Json& recorded) {
  std::map<std::string, const Json*> wanted;
  for (const Json& one : recorded) wanted[one.at("id")] = &one;
  Overrides overrides;
  overrides.backend = backend;
  const Plan plan = make_plan({"scenarios/ground_truth"}, overrides, disk_files());
  EXPECT_THAT(plan.problems, testing::IsEmpty());
  std::map<std::string, Differences> found;
  sim::Session session;
  for (const Case& one : plan.cases) {
    const auto entry = wanted.find(recorded_id(one));
    if (entry == wanted.end()) continue;  // a case of our own beside the recorded ones
    const CaseResult result = run_case(session, one, {.twice = true});
    Differences differences = result.error.empty()
                                  ? differences_of(*entry->second, result.observation)
                                  : Differences{result.error};
    for (const std::string& surprise : result.surprises) differences.push_back(surprise);
    EXPECT_TRUE(found.emplace(entry->first, std::move(differences)).second)
        << one.id << " is there twice";
  }
  return found;
}

class GroundTruth : public testing::TestWithParam<const char*> {};

TEST_P(GroundTruth, EveryRecordedCaseComesOutAsInTheRealLibraries) {
  const Json recorded = recording();
  ASSERT_EQ(recorded.size(), kRecorded);
  const std::map<std::string, Differences> found = replay(GetParam(), recorded);
  size_t agreeing = 0;
  for (const Json& one : recorded) {
    const auto entry = found.find(one.at("id").get<std::string>());
    const bool agrees = entry != found.end() && entry->second.empty();
    agreeing += agrees;
    fmt::print("[{}] {}\n", agrees ? "agree" : "DIFFER", one.at("id").get<std::string>());
    if (entry == found.end()) fmt::print("         no scenario\n");
    else
      for (const std::string& difference : entry->second) fmt::print("         {}\n", difference);
  }
  fmt::print("{} of {} agree\n", agreeing, recorded.size());
  std::fflush(stdout);
  EXPECT_EQ(agreeing, kRecorded);
}

INSTANTIATE_TEST_SUITE_P(On, GroundTruth, testing::Values("sim", "gloo"),
                         [](const auto& one) { return std::string(one.param); });

// What is recorded, one value changed: the comparison must see it.
TEST(GroundTruthComparison, SeesEachKindOfDifference) {
  const Json recorded = recording();
  const Plan plan = make_plan({"scenarios/ground_truth/transformers.yaml/version=5.4.0/"
                               "model=qwen2_tied_bf16/then=plain"}, {}, disk_files());
  ASSERT_EQ(plan.cases.size(), 1u);
  sim::Session session;
  const Observation seen = run_case(session, plan.cases[0], {}).observation;
  Json good;
  for (const Json& one : recorded)
    if (one.at("id") == recorded_id(plan.cases[0])) good = one;
  ASSERT_THAT(differences_of(good, seen), testing::IsEmpty());
  const std::vector<std::pair<std::string, Json>> changes = {
      {"/ranks/1/after_load/model.norm.weight", "zero"},
      {"/ranks/0/after_load/buffer:model.rotary_emb.inv_freq", "other"},
      {"/ranks/1/forward/nan", 1279},
      {"/ranks/0/forward/argmax_last", 234},
      {"/ranks/0/forward/all_equal", true},
      {"/ranks/0/forward/max_prob", 0.155},
      {"/ranks/0/generate/7", 230},
      {"/ranks/1/errors/generate/message", "CUDA error: device-side assert triggered"},
  };
  for (const auto& [pointer, value] : changes) {
    Json changed = good;
    ASSERT_TRUE(changed.contains(Json::json_pointer(pointer))) << pointer;
    changed[Json::json_pointer(pointer)] = value;
    EXPECT_THAT(differences_of(changed, seen), testing::Not(testing::IsEmpty())) << pointer;
  }
  Json healthy = good;
  healthy["ranks"][1].erase("errors");
  EXPECT_THAT(differences_of(healthy, seen), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace loadproof::harness
