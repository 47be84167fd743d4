// scatter: one rank cuts each tensor, and every rank of the group receives its piece.
#include "sim/cut_args.h"
#include "sim/steps/collective.h"
#include "sim/steps/table.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kOwn[] = {
    {"src", kInt, false, "0", "", "the rank that holds the whole, counted within the group"},
    {"dim", kInt, false, "0", "", "the dimension that is cut"},
    {"rule", kChoice, false, "chunk", kCutRules, kCutRulesAbout},
    {"multiple", kInt, false, "1", "",
     "of padded: pieces are padded to a multiple of it; of chunk: they begin at multiples of it, "
     "as blocks of quantised weights ask",
     1},
    {"sections", kInts, false, "", "",
     "of packed: extents of the sections; two halves if left out"},
    {"order", kInts, false, "", "", "rows are dealt out in this order, as an expert map does"},
};
constexpr auto kParams = with_collective_params(kOwn);

Result<void> run(StepContext& context) {
  Post post = collective_post(context.step, Collective::kScatter);
  const Result<int> source = context.engine.member_of(post.group, context.rank.index(),
                                                      arg<int64_t>(context.step, "src"));
  if (!source) return tl::make_unexpected(source.error());
  post.source = *source;
  post.cut = cut_of(context.step);
  for (int slot : context.selected) {
    post.slot = slot;
    if (auto posted = context.engine.post(context, post); !posted) return posted;
  }
  return {};
}

}  // namespace

const Verb kScatter = {
    {"scatter",
     "One rank cuts each tensor, and all of the group receive their piece, in new storage.",
     "scatter: {of: param, src: 0, dim: 0}", true, true, true, kParams},
    run};

}  // namespace loadproof::sim
