// Runs on shapes alone against runs with bytes: what is held is the same, to the byte.
#include <gmock/gmock.h>

#include <map>

#include "harness/files.h"
#include "harness/plan.h"
#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

// By rank: the samples of a run.
std::map<int, std::vector<MemorySample>> samples_of(const Observation& seen) {
  std::map<int, std::vector<MemorySample>> samples;
  for (const MemoryObservation& one : seen.memory)
    for (int rank : one.ranks) samples[rank] = one.samples;
  return samples;
}

TEST(Dry, Explore) {
  const Plan plan = make_plan({"scenarios"}, {}, disk_files());
  sim::Session session;
  int same = 0, other = 0, failed = 0;
  for (const Case& one : plan.cases) {
    sim::WorldSpec spec = world_of(one);
    spec.memory = true;
    spec.backend = "sim";
    const auto real = session.run(spec);
    spec.dry = true;
    const auto dry = session.run(spec);
    if (!real || !dry) {
      ++failed;
      std::cout << "FAILED " << one.id << " " << (dry ? "" : dry.error().message) << "\n";
      continue;
    }
    bool all = real->ranks.size() > 0;
    for (const RankObservation& rank : real->ranks)
      if (rank.outcome != Outcome::kFinished && rank.outcome != Outcome::kDiedSampling) all = false;
    if (!all) { std::cout << "SKIP " << one.id << "\n"; continue; }
    if (samples_of(*real) == samples_of(*dry)) ++same;
    else {
      ++other;
      std::cout << "OTHER " << one.id << "\n";
      auto a = samples_of(*real), b = samples_of(*dry);
      for (auto& [rank, s] : a) {
        auto& t = b[rank];
        for (size_t i = 0; i < std::max(s.size(), t.size()); ++i)
          if (i >= s.size() || i >= t.size() || !(s[i] == t[i])) {
            auto tell = [&](const std::vector<MemorySample>& v) {
              if (i >= v.size()) return std::string("-");
              return (v[i].step < 0 ? std::string("start") : real->steps[size_t(v[i].step)].id) + " most " + std::to_string(v[i].most[Device::kCpu].resident) + " after " + std::to_string(v[i].after[Device::kCpu].resident) + "/" + std::to_string(v[i].after[Device::kCpu].reserved);
            };
            std::cout << "   rank " << rank << " sample " << i << ": real " << tell(s) << "; dry " << tell(t) << "\n";
            break;
          }
      }
    }
  }
  std::cout << same << " same, " << other << " other, " << failed << " failed\n";
}

}  // namespace
}  // namespace loadproof::harness
