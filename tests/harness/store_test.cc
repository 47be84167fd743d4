// Stores and pieces of tensors, in worlds that are run.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string story_of(const CaseResult& result, std::string_view oracle) {
  const Verdict& verdict = verdict_in(result, oracle);
  return verdict.findings.empty() ? "" : verdict.findings[0].text;
}

TEST(Stores, GiveEveryElementAValueOfItsOwnAndEveryVersionAnother) {
  const CaseResult same = run_text(R"(
tensors: {"{a,b}": {shape: [64], dtype: bfloat16, from: file}}
steps: [read: {of: all}]
)");
  EXPECT_THAT(same.surprises, IsEmpty());
  const CaseResult swapped = run_text(R"(
tensors: {"{a,b}": {shape: [64], dtype: bfloat16, from: file}}
steps: [{read: {of: a, key: b}}, {read: {of: b, key: a}}]
)");
  EXPECT_THAT(findings_of(swapped, "ckpt"), ElementsAre("0 a other_tensor", "0 b other_tensor"));
  EXPECT_THAT(story_of(swapped, "ckpt"),
              HasSubstr("64 of 64 elements differ from the file, elements 0 to 63; it holds "
                        "elements of b from 0 on"));
  const CaseResult stale = run_text(R"(
tensors: {a: {shape: [64], dtype: float16, from: file}}
stores: {next: {version: 1}}
steps: [read: {of: a, store: next}]
)");
  EXPECT_THAT(findings_of(stale, "ckpt"), ElementsAre("0 a other_store"));
}

TEST(Stores, KeepWhatNobodyWroteUndefinedThroughAFile) {
  const CaseResult result = run_text(R"(
tensors: {a: {shape: [4], from: file}}
stores: {out: {empty: true}}
steps:
  - alloc: {of: a, as: empty}
  - save:  {of: a, store: out}
  - alloc: {of: a, as: zeros}
  - read:  {of: a, store: out}
)");
  EXPECT_THAT(findings_of(result, "defined"), ElementsAre("0 a held"));
  EXPECT_THAT(verdict_in(result, "defined").findings[0].chain,
              HasSubstr("loaded from out/model.safetensors, key a, by step read@9"));
  EXPECT_EQ(verdict_in(result, "defined").findings[0].state, "undefined");
}

TEST(Stores, RoundTripsKeepTheOriginOfEachElement) {
  const CaseResult result = run_text(R"(
world: {ranks: 3}
tensors: {a: {shape: [5, 2], from: file, shard: {dim: 0}}}
stores: {out: {empty: true}}
steps:
  - read:   {of: a}
  - save:   {of: a, store: out, file: "part-{rank}.safetensors"}
  - barrier: {}
  - alloc:  {of: a, as: meta}
  - read:   {of: a, store: out, slice: whole}
  - shard:  {of: a}
)");
  EXPECT_THAT(result.surprises, IsEmpty());
}

TEST(Stores, TellWhenRanksSaveUnderTheSameKey) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {"e.{0..1}": {shape: [2], from: file}}
stores: {out: {empty: true}}
steps:
  - read: {of: all}
  - save: {of: e.0, ranks: 0, store: out, key: "experts.{index}"}
  - save: {of: e.1, ranks: 1, store: out, key: "experts.{index}"}
)");
  EXPECT_THAT(findings_of(result, "no_vacuous"), ElementsAre("1 e.1 overwritten"));
}

TEST(Stores, KeepTheOtherKeysOfAFileThatIsSavedInto) {
  const CaseResult result = run_text(R"(
tensors:
  a: {shape: [4], from: file}
  b: {shape: [4], kind: scratch}
steps:
  - read: {of: a}
  - fill: {of: b, with: ones}
  - save: {of: b, store: file}
  - read: {of: a, missing: error}
)");
  EXPECT_THAT(result.surprises, IsEmpty());
}

TEST(Damage, IsRefusedByAStrictReaderAndReadOverByACarelessOne) {
  const std::string text = R"(
tensors: {a: {shape: [8], from: file}}
steps:
  - damage: {cut: 12}
  - read:   {of: a, trust: TRUST}
)";
  auto with = [&](const std::string& trust) {
    std::string made = text;
    return run_text(made.replace(made.find("TRUST"), 5, trust));
  };
  const CaseResult strict = with("strict");
  EXPECT_THAT(strict.observation.ranks[0].error, HasSubstr("it is truncated"));
  const CaseResult mapped = with("mapped");
  EXPECT_THAT(findings_of(mapped, "defined"), ElementsAre("0 a held"));
  EXPECT_EQ(verdict_in(mapped, "defined").findings[0].begin, 5);
}

TEST(Damage, OfAShardIsSeenByTheIndexAndNotByAListing) {
  const std::string text = R"(
tensors: {"{a,b}": {shape: [4], from: file}}
stores: {file: {files: {m-1.safetensors: a, m-2.safetensors: b}}}
steps:
  - damage: {file: m-2.*, remove: true}
  - alloc:  {of: all, as: empty}
  - read:   {of: all, trust: TRUST}
)";
  auto with = [&](const std::string& trust) {
    std::string made = text;
    return run_text(made.replace(made.find("TRUST"), 5, trust));
  };
  EXPECT_THAT(with("strict").observation.ranks[0].error, HasSubstr("m-2.safetensors"));
  EXPECT_THAT(findings_of(with("files"), "defined"), ElementsAre("0 b held"));
}

TEST(Pieces, AreReadAtTheirOwnPlaceOrAtAnothersByMistake) {
  const std::string head = R"(
world: {ranks: 2}
tensors: {q: {shape: [4, 4], from: file, shard: {dim: 0}}}
steps:
)";
  EXPECT_THAT(run_text(head + "  - read: {of: q}\n").surprises, IsEmpty());
  const CaseResult wrong = run_text(head + "  - read: {of: q, as: 0}\n");
  EXPECT_THAT(findings_of(wrong, "ckpt"), ElementsAre("1 q shift"));
  EXPECT_THAT(story_of(wrong, "ckpt"), HasSubstr("its own elements, 8 further back in the tensor"));
}

TEST(Pieces, AreGatheredIntoTheWholeUnderEveryRule) {
  for (const char* rule : {"chunk", "padded", "packed", "cyclic"}) {
    const CaseResult result = run_text(fmt::format(R"(
world: {{mesh: {{replicate: 2, shard: 3}}}}
tensors: {{w: {{shape: [7, 2], from: file}}}}
steps:
  - read:   {{of: w}}
  - shard:  {{of: w, over: shard, rule: {}}}
  - gather: {{of: w, group: shard}}
)", rule));
    EXPECT_THAT(result.surprises, IsEmpty()) << rule;
  }
}

TEST(Pieces, LeftOverByFloorAreInNoPiece) {
  const CaseResult result = run_text(R"(
world: {ranks: 5}
tensors: {w: {shape: [12], from: file}}
steps:
  - read:   {of: w}
  - shard:  {of: w, rule: floor}
  - gather: {of: w}
)");
  EXPECT_EQ(findings_of(result, "defined").size(), 5u);
  EXPECT_EQ(verdict_in(result, "defined").findings[0].begin, 10);
}

TEST(Pieces, OfNestedCutsAreGatheredInReverse) {
  const CaseResult result = run_text(R"(
world: {mesh: {tensor: 2, shard: 2}}
tensors: {w: {shape: [4, 4], from: file}}
steps:
  - read:   {of: w}
  - shard:  {of: w, dim: 1, over: tensor}
  - shard:  {of: w, dim: 0, over: shard}
  - observe: {id: cut}
  - gather: {of: w, group: shard}
  - gather: {of: w, group: tensor}
)");
  EXPECT_THAT(result.surprises, IsEmpty());
}

TEST(Source, IsWhatItsStepsLeaveOnOneRankThatHoldsEverything) {
  const std::string text = R"(
world: {ranks: 2, roles: {engine: 1}}
tensors:
  w: {shape: [4], from: file}
  v: {shape: [4], from: file, ranks: engine}
stores: {v1: {version: 1}}
source:
  - read: {of: w, store: v1}
steps:
  - read: {of: all}
  - read: {id: sync, of: w, store: v1, ranks: RANKS}
)";
  auto with = [&](const std::string& ranks) {
    std::string made = text;
    return run_text(made.replace(made.find("RANKS"), 5, ranks));
  };
  EXPECT_THAT(with("all").surprises, IsEmpty());
  const CaseResult late = with("engine");
  EXPECT_THAT(findings_of(late, "source"), ElementsAre("0 w value"));
  EXPECT_THAT(findings_of(late, "ckpt"), IsEmpty());
}

TEST(Source, GivesATiedNameTheValueOfWhatItIsTiedTo) {
  const CaseResult result = run_text(R"(
tensors:
  a: {shape: [4], from: file}
  b: {shape: [4], tie: a}
stores: {next: {version: 1}}
source: [read: {of: a, store: next}]
steps: [read: {of: a, store: next}, bind: {of: b}]
)");
  EXPECT_THAT(result.surprises, IsEmpty());
}

TEST(Pieces, ThatLeaveElementsOutAreTold) {
  const CaseResult result = run_text(R"(
world: {ranks: 5}
tensors: {head: {shape: [12, 2], from: file, shard: {dim: 0, rule: floor}}}
steps: [read: {of: all}]
)");
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre("-1 head coverage"));
  EXPECT_EQ(story_of(result, "ckpt"), "head: elements 20 to 23 of the file are in no rank's piece");
}

TEST(Roles, AreNoReplicasOfEachOtherAndNeedNotFailAlike) {
  const CaseResult result = run_text(R"(
world: {ranks: 3, roles: {trainer: 0, engine: r>0}}
tensors: {w: {shape: [4], from: file}}
stores: {next: {version: 1}}
steps:
  - read:  {of: w, ranks: engine}
  - read:  {of: w, ranks: trainer, store: next}
  - raise: {ranks: trainer, error: w is gone}
)");
  EXPECT_THAT(findings_of(result, "replicas"), IsEmpty());
  EXPECT_THAT(findings_of(result, "symmetric_error"), IsEmpty());
}

TEST(Blame, DoesNotFallOnAStepThatTheRankRan) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [8, 2], from: file, shard: {dim: 0}}}
steps: [read: {of: w}, broadcast: {of: w, src: 0}]
)");
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre("1 w shift"));
  EXPECT_EQ(verdict_in(result, "ckpt").findings[0].blamed_step, -1);
}

// Bytes of float32 in a bfloat16 tensor half as long: the first of them, and no abort.
TEST(Broadcast, FillsWhatARankHoldsOverATransportThatTruncates) {
  const std::string text = R"yaml(
world: {ranks: 2}
tensors: {w: {shape: [4], value: "arange(1, 1)"}}
steps:
  - fill:      {of: w, with: value}
  - copy:      {of: w, ranks: 1, dtype: bfloat16}
  - broadcast: {of: w, src: 0, match: MATCH}
)yaml";
  auto with = [&](const std::string& match) {
    std::string made = text;
    return run_text(made.replace(made.find("MATCH"), 5, match));
  };
  const CaseResult fits = with("fit");
  EXPECT_EQ(fits.observation.ranks[1].outcome, Outcome::kFinished);
  EXPECT_THAT(findings_of(fits, "no_hang"), ElementsAre("1 w size"));
  EXPECT_THAT(verdict_in(fits, "no_hang").findings[0].text,
              HasSubstr("it gets as many bytes as it holds"));
  EXPECT_EQ(fits.observation.ranks[1].points.back().tensors[0].zero, 2);  // low halves of 1 and 2
  EXPECT_EQ(with("bytes").observation.ranks[1].outcome, Outcome::kAborted);
}

}  // namespace
}  // namespace loadproof::harness
