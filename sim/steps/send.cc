// send and recv: bytes, or the bare event, from one rank to another. Both wait until they have met.
#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr const char* kMatchAbout =
    "bytes: only sizes count, as for transports; strict: another name, dtype or shape is told by "
    "no_hang";
constexpr ParamInfo kSendParams[] = {
    {"to", kRanks, true, "", "", "who receives, one after the other"},
    {"match", kChoice, false, "bytes", "bytes strict", kMatchAbout},
    kStridedParam,
    kCollectiveParams[1],
    kCollectiveParams[2],
    kCollectiveParams[3],
};
constexpr ParamInfo kRecvParams[] = {
    {"from", kRanks, true, "", "", "who sends; of several one after the other, the last one wins"},
    {"match", kChoice, false, "bytes", "bytes strict", kMatchAbout},
    kStridedParam,
    kCollectiveParams[1],
    kCollectiveParams[2],
    kCollectiveParams[3],
};
static_assert(kCollectiveParams[1].name == "timeout" && kCollectiveParams[2].name == "stall");

// Without tensors, the two only meet.
Result<void> post_all(StepContext& context, std::string_view peers_argument, bool sends) {
  const bool has_tensors = !context.step.of.empty();
  Post post{.op = has_tensors ? Collective::kSend : Collective::kBarrier,
            .strided = strided_of(context.step),
            .match_bytes = arg<std::string>(context.step, "match") == "bytes",
            .stall = arg<bool>(context.step, "stall"),
            .async = arg<bool>(context.step, "async")};
  if (const auto* seconds = optional_arg<double>(context.step, "timeout")) post.timeout = *seconds;
  const int self = context.rank.index();
  const Topology& topology = context.engine.spec().topology;
  for (int peer : arg<RankSet>(context.step, peers_argument).members(topology)) {
    post.channel = sends ? std::pair(self, peer) : std::pair(peer, self);
    if (has_tensors) post.source = post.channel->first;
    const std::vector<int> events{-1};
    const std::span<const int> slots = has_tensors ? context.selected : std::span(events);
    for (int slot : slots) {
      post.slot = slot;
      if (auto posted = context.engine.post(context, post); !posted) return posted;
    }
  }
  return {};
}

Result<void> run_send(StepContext& context) { return post_all(context, "to", true); }
Result<void> run_recv(StepContext& context) { return post_all(context, "from", false); }

}  // namespace

const Verb kSend = {
    {"send",
     "Gives tensors to another rank, which takes them by `recv`; without `of` a bare event. Waits "
     "for it.",
     "send: {of: param, to: 1, ranks: 0}", true, false, false, kSendParams},
    run_send};
const Verb kRecv = {
    {"recv", "Takes what another rank gives by `send`, in that order. Waits for it.",
     "recv: {of: param, from: 0, ranks: 1}", true, false, false, kRecvParams},
    run_recv};

}  // namespace loadproof::sim
