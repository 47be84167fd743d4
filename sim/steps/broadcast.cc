// broadcast: one rank's bytes to all of its group, tensor by tensor.
#include <algorithm>

#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kOwn[] = {
    {"src", kInt, false, "0", "", "the rank that sends, counted within the group"},
    {"order", kChoice, false, "declared", "declared sorted reversed",
     "the order in which this rank goes through the tensors"},
    {"match", kChoice, false, "strict", "strict bytes fit",
     "strict: another name, dtype or shape is told by no_hang; bytes: the loader means bytes, and "
     "only sizes count; fit: the same over a transport that gives a rank as many bytes as it holds "
     "and does not abort it"},
};
constexpr auto kParams = with_collective_params(kOwn);

std::vector<int> ordered(const StepContext& context) {
  std::vector<int> slots(context.selected.begin(), context.selected.end());
  const std::string& order = arg<std::string>(context.step, "order");
  if (order == "reversed") std::reverse(slots.begin(), slots.end());
  if (order == "sorted")
    std::sort(slots.begin(), slots.end(), [&](int a, int b) {
      return context.rank.slot(a).spec->name < context.rank.slot(b).spec->name;
    });
  return slots;
}

Result<void> run(StepContext& context) {
  Post post = collective_post(context.step, Collective::kBroadcast);
  const Result<int> source =
      context.engine.member_of(post.group, context.rank.index(), arg<int64_t>(context.step, "src"));
  if (!source) return tl::make_unexpected(source.error());
  post.source = *source;
  const std::string& match = arg<std::string>(context.step, "match");
  post.match_bytes = match != "strict";
  post.truncates = match == "fit";
  for (int slot : ordered(context)) {
    post.slot = slot;
    if (auto posted = context.engine.post(context, post); !posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kBroadcast = {{"broadcast", "One rank's bytes to all of its group, tensor by tensor.",
                          "broadcast: {of: param, src: 0}", true, true, true, kParams},
                         run};

}  // namespace loadproof::sim
