#include "sim/steps/verb.h"

#include <vector>

#include "sim/engine.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

constexpr const Verb* kTable[] = {
    &kAlloc, &kFree, &kFill, &kRead, &kSave, &kMove, &kCopy, &kApply, &kBind, &kMark, &kShard,
    &kTo, &kBroadcast, &kScatter, &kGather, &kAllReduce, &kBarrier, &kSend, &kRecv, &kWait,
    &kDamage, &kRaise, &kDelay, &kRequire, &kObserve, &kSample, &kEach, &kRepeat, &kUpdate,
};

}  // namespace

Variables variables_of(const StepContext& context, const std::string& tensor, int64_t index) {
  const int rank = context.rank.index();
  const Topology& topology = context.engine.spec().topology;
  Variables variables{{"name", tensor},
                      {"index", std::to_string(index)},
                      {"rank", std::to_string(rank)},
                      {"local", std::to_string(topology.local_rank_of(rank))},
                      {"node", std::to_string(topology.node_of(rank))},
                      {"turn", std::to_string(context.engine.turn(rank))}};
  for (size_t dim = 0; dim < topology.mesh.size(); ++dim)
    variables.emplace_back(topology.mesh[dim].name,
                           std::to_string(topology.coordinate_of(rank, dim)));
  return variables;
}

std::span<const Verb* const> verbs() { return kTable; }

const Verb* find_verb_row(std::string_view name) {
  for (const Verb* verb : kTable)
    if (verb->info.name == name) return verb;
  return nullptr;
}

}  // namespace loadproof::sim

namespace loadproof {

std::span<const VerbInfo> verb_infos() {
  static const std::vector<VerbInfo> infos = [] {
    std::vector<VerbInfo> list;
    for (const sim::Verb* verb : sim::verbs()) list.push_back(verb->info);
    return list;
  }();
  return infos;
}

const VerbInfo* find_verb(std::string_view name) {
  const sim::Verb* verb = sim::find_verb_row(name);
  return verb ? &verb->info : nullptr;
}

}  // namespace loadproof
