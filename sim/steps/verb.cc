#include "sim/steps/verb.h"

#include <vector>

#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

constexpr const Verb* kTable[] = {
    &kAlloc, &kFree, &kFill, &kRead, &kCopy, &kBind, &kMark, &kShard,
    &kBroadcast, &kGather, &kAllReduce, &kBarrier,
    &kRaise, &kDelay, &kRequire, &kObserve, &kSample, &kEach, &kUpdate,
};

}  // namespace

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
