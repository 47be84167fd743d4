// The rows of the verb table, each defined in the file of its verb.
#pragma once

#include "sim/steps/verb.h"

namespace loadproof::sim {

extern const Verb kAlloc, kFree, kFill, kRead, kSave, kMove, kCopy, kApply, kBind, kMark, kShard;
extern const Verb kTo;
extern const Verb kBroadcast, kScatter, kGather, kAllReduce, kBarrier, kSend, kRecv, kWait;
extern const Verb kDamage, kRaise, kDelay, kRequire, kObserve, kSample, kEach, kRepeat, kUpdate;

}  // namespace loadproof::sim
