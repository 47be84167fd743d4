// broadcast: one rank's bytes to all of its group, tensor by tensor.
#include <algorithm>
#include <map>

#include "sim/steps/collective.h"
#include "sim/steps/pairs.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kOwn[] = {
    {"src", kInt, false, "0", "", "the rank that sends"},
    {"src_in", kChoice, false, "group", "group world",
     "what src counts in: the group, or the world, whose rank may be no member of the group"},
    {"into", kTensors, false, "", "",
     "where the others receive, in place of the tensor itself: one tensor, or a pattern whose `*` "
     "pairs it with that of `of`"},
    kStridedParam,
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

Result<int> source_of(const StepContext& context, const Post& post) {
  const int64_t source = arg<int64_t>(context.step, "src");
  if (arg<std::string>(context.step, "src_in") == "world") return static_cast<int>(source);
  return context.engine.member_of(post.group, context.rank.index(), source);
}

Result<void> run(StepContext& context) {
  Post post = collective_post(context.step, Collective::kBroadcast);
  const Result<int> source = source_of(context, post);
  if (!source) return tl::make_unexpected(source.error());
  post.source = *source;
  post.strided = strided_of(context.step);
  std::map<int, int> into;
  if (const auto* others = optional_arg<Selector>(context.step, "into");
      others && *source != context.rank.index()) {
    const auto partners = partners_of(context, *others, "into");
    if (!partners) return tl::make_unexpected(partners.error());
    for (size_t i = 0; i < partners->size(); ++i) into[context.selected[i]] = (*partners)[i];
  }
  const std::string& match = arg<std::string>(context.step, "match");
  post.match_bytes = match != "strict";
  post.truncates = match == "fit";
  for (int slot : ordered(context)) {
    post.slot = slot;
    if (const auto partner = into.find(slot); partner != into.end()) post.into = partner->second;
    if (auto posted = context.engine.post(context, post); !posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kBroadcast = {{"broadcast", "One rank's bytes to all of its group, tensor by tensor.",
                          "broadcast: {id: sync, of: param, src: 0}", true, true, true, kParams},
                         run};

}  // namespace loadproof::sim
