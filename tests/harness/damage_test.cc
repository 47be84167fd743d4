// Faults of storage, and what loaders make of them: each is seen under every fill, whatever stands
// in the bytes.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kTwoTensors = R"(
tensors: {"w.{0,1}": {shape: [4], from: file}}
steps:
  - damage: {DAMAGE}
  - read:   {of: all, READ}
)";

CaseResult run_with(std::string text, const std::string& damage, const std::string& read) {
  text.replace(text.find("DAMAGE"), 6, damage);
  text.replace(text.find("READ"), 4, read);
  return run_text(text);
}

CaseResult damaged(const std::string& damage, const std::string& read = "missing: error") {
  return run_with(kTwoTensors, damage, read);
}

TEST(Damage, OfBytesIsNotSeenByAReaderOfHeadersAndIsTold) {
  const CaseResult hole = damaged("zero: 16, at: -16");
  EXPECT_EQ(hole.observation.ranks[0].error, "");
  EXPECT_THAT(findings_of(hole, "ckpt"), ElementsAre("0 w.1 value"));
  EXPECT_THAT(findings_of(hole, "defined"), ElementsAre("0 w.1 held"));
  const Finding& finding = verdict_in(hole, "defined").findings[0];
  EXPECT_EQ(finding.state, "tainted");
  EXPECT_THAT(finding.chain, HasSubstr("loaded from model.safetensors, key w.1, by step read@6"));
  EXPECT_THAT(finding.chain, HasSubstr("; zeroed in the file on rank 0 in step damage@5"));
}

TEST(Damage, OfBytesCountsWithinTheDataOrWithinOneTensor) {
  const CaseResult first = damaged("flip: 1, at: 5");
  EXPECT_THAT(findings_of(first, "defined"), ElementsAre("0 w.0 held"));
  EXPECT_EQ(verdict_in(first, "defined").findings[0].begin, 1);
  EXPECT_EQ(verdict_in(first, "defined").findings[0].end, 2);
  const CaseResult second = damaged("tensor: w.1, flip: 4, at: -4");
  EXPECT_THAT(findings_of(second, "ckpt"), ElementsAre("0 w.1 value"));
  EXPECT_EQ(verdict_in(second, "defined").findings[0].begin, 3);
}

TEST(Damage, BeyondTheDataIsAnError) {
  EXPECT_THAT(damaged("tensor: w.1, zero: 17").observation.ranks[0].error,
              HasSubstr("model.safetensors of store file has 16 bytes of w.1, not 17 from 0 on"));
  EXPECT_THAT(damaged("zero: 1, at: 32").observation.ranks[0].error,
              HasSubstr("has 32 bytes of data"));
}

TEST(Damage, OfATensorThatNoFileHasIsVacuous) {
  EXPECT_THAT(findings_of(damaged("tensor: w.2, zero: 1"), "no_vacuous"),
              ElementsAre("0 nothing_written"));
}

TEST(Damage, BehindTheLastTensorIsRefusedOrPassedOver) {
  EXPECT_THAT(damaged("append: 3").observation.ranks[0].error,
              HasSubstr("the last 3 belong to no tensor"));
  EXPECT_THAT(damaged("append: 3", "trailing: ignore").surprises, IsEmpty());
  EXPECT_THAT(damaged("append: 3", "trust: mapped").surprises, IsEmpty());
  EXPECT_THAT(damaged("append: 3", "trust: mapped, trailing: error").observation.ranks[0].error,
              HasSubstr("the last 3 belong to no tensor"));
}

TEST(Damage, ThatRestoresTheLengthOfACutFileLeavesItsEndTainted) {
  const CaseResult torn = damaged("cut: 6, append: 6");
  EXPECT_EQ(torn.observation.ranks[0].error, "");
  EXPECT_THAT(findings_of(torn, "defined"), ElementsAre("0 w.1 held"));
  EXPECT_EQ(verdict_in(torn, "defined").findings[0].begin, 2);
}

TEST(Damage, OfTheHeaderMakesBytesSomethingElse) {
  const CaseResult misread = damaged("tensor: w.0, dtype: int32");
  EXPECT_EQ(misread.observation.ranks[0].error, "");
  EXPECT_THAT(findings_of(misread, "ckpt"), ElementsAre("0 w.0 value"));
  EXPECT_THAT(findings_of(misread, "defined"), ElementsAre("0 w.0 held"));
  EXPECT_THAT(damaged("tensor: w.0, dtype: float16").observation.ranks[0].error,
              HasSubstr("needs 8 bytes for F16 [4], but its data_offsets [0, 16) hold 16"));
  EXPECT_THAT(damaged("tensor: w.0, shape: [2, 2]").observation.ranks[0].error,
              HasSubstr("tensor 'w.0' has shape [2, 2], but w.0 needs [4]"));
}

TEST(Damage, OfOffsetsIsRefusedByWhoeverLooksAtThem) {
  EXPECT_THAT(damaged("tensor: w.1, offset: -4").observation.ranks[0].error,
              HasSubstr("overlap"));
  const CaseResult mapped = damaged("tensor: w.1, offset: -4", "trust: mapped");
  EXPECT_EQ(mapped.observation.ranks[0].error, "");
  EXPECT_THAT(findings_of(mapped, "ckpt"), ElementsAre("0 w.1 value"));
  EXPECT_THAT(findings_of(mapped, "defined"), ElementsAre("0 w.1 held"));
}

TEST(Damage, OfNamesLeavesBytesAsTheyAre) {
  EXPECT_THAT(damaged("tensor: w.1, rename: v").observation.ranks[0].error,
              HasSubstr("store file has no tensor for w.1"));
  const CaseResult found = damaged("tensor: w.1, rename: v", "key: [\"{name}\", v]");
  EXPECT_THAT(findings_of(found, "defined"), IsEmpty());
}

TEST(Damage, ThatNamesATensorTwiceIsReadAsTheParserLikes) {
  EXPECT_THAT(damaged("tensor: w.0, twice: 1").observation.ranks[0].error,
              HasSubstr("the key \"w.0\" is there twice"));
  EXPECT_THAT(damaged("tensor: w.0, twice: 1", "twice: first, trailing: ignore").surprises,
              IsEmpty());
  const CaseResult last = damaged("tensor: w.0, twice: 1", "twice: last, trust: mapped");
  EXPECT_THAT(findings_of(last, "ckpt"), ElementsAre("0 w.0 value"));
  EXPECT_THAT(findings_of(last, "defined"), ElementsAre("0 w.0 held"));
  // The first one's bytes belong to nobody then, which a strict reader sees.
  EXPECT_THAT(damaged("tensor: w.0, twice: 1", "twice: last").observation.ranks[0].error,
              HasSubstr("belong to no tensor"));
}

TEST(Damage, NeedsATensorForWhatTheHeaderSays) {
  EXPECT_EQ(damaged("dtype: int32").observation.ranks[0].error,
            "dtype, shape, offset, rename and twice are of one `tensor`");
}

TEST(Damage, OfWhatARankSavedKeepsTheStatesOfTheRest) {
  const CaseResult result = run_text(R"(
tensors: {a: {shape: [8]}}
stores: {out: {empty: true}}
steps:
  - alloc:  {of: a, as: empty}
  - save:   {of: a, store: out}
  - damage: {store: out, tensor: a, zero: 4, at: 8}
  - alloc:  {of: a, as: zeros}
  - read:   {of: a, store: out}
)");
  EXPECT_THAT(findings_of(result, "defined"),
              ElementsAre("0 a held", "0 a held", "0 a held"));
  EXPECT_EQ(verdict_in(result, "defined").findings[0].state, "undefined");
  EXPECT_EQ(verdict_in(result, "defined").findings[1].state, "tainted");
  EXPECT_EQ(verdict_in(result, "defined").findings[2].state, "undefined");
}

constexpr const char* kSaveOver = R"(
tensors: {"{a,b}": {shape: [4], from: file}}
stores: {out: {version: 1}}
steps:
  - read:   {of: all}
  - damage: {store: out, DAMAGE}
  - save:   {of: a, store: out}
  - read:   {of: all, store: out, READ}
)";

TEST(Damage, IsGoneWhereASaveHasTakenItsPlace) {
  EXPECT_THAT(run_with(kSaveOver, "cut: 40", "missing: skip").surprises, IsEmpty());
  EXPECT_THAT(run_with(kSaveOver, "cut: 40", "missing: error").observation.ranks[0].error,
              HasSubstr("store out has no tensor for b"));
}

TEST(Damage, StaysInTheOtherTensorsOfAFileThatIsSavedInto) {
  EXPECT_THAT(findings_of(run_with(kSaveOver, "flip: 32", "missing: error"), "defined"),
              ElementsAre("0 b held"));
}

TEST(Damage, OfAModelsFusedWeightsIsTold) {
  const CaseResult result = run_text(fmt::format(R"(
model: {}
steps:
  - alloc:  {{of: all, as: meta}}
  - damage: {{tensor: model.norm.weight, flip: 2}}
  - read:   {{of: file}}
  - fill:   {{of: runtime_buffer, with: init}}
  - bind:   {{of: all, when: tied}}
)", "../models/qwen2_tied_bf16"));
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre("0 model.norm.weight value"));
}

}  // namespace
}  // namespace loadproof::harness
