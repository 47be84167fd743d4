// What a loader makes of files that do not fit: other shapes, keys too many or too few.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string error_of(const CaseResult& result) { return result.observation.ranks[0].error; }

CaseResult with(std::string text, const std::string& word) {
  return run_text(text.replace(text.find("WORD"), 4, word));
}

// Keys of another spelling, and a part of one.
TEST(Keys, AreRenamedByRules) {
  EXPECT_THAT(run_text(R"yaml(
tensors:
  model.self_attn.q: {shape: [4], value: "arange(1, 1)"}
  attn.q:            {shape: [4], from: file, kind: scratch, value: "arange(1, 1)"}
steps: [read: {of: model.self_attn.q, key: "{name/model.//self_attn/attn}"}]
)yaml").surprises, IsEmpty());
}

TEST(Keys, AreReadInPart) {
  const std::string part = R"yaml(
tensors:
  qkv: {shape: [6, 2], from: file, kind: scratch, value: "arange(0, 1)"}
  k:   {shape: [2, 2], value: "arange(4, 1)"}
steps: [read: {of: k, key: qkv, from_slice: "WORD"}]
)yaml";
  EXPECT_THAT(with(part, "2:4").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(part, "0:2"), "source"), ElementsAre("0 k value"));
  EXPECT_THAT(error_of(with(part, "2:3")), HasSubstr("tensor 'qkv' has shape [1, 2]"));
}

constexpr const char* kShorter = R"(
tensors:
  old: {shape: [4, 2], from: file, kind: scratch}
  w:   {shape: [6, 2], value: 3}
steps:
  - fill: {of: w, with: value}
  - read: {of: w, key: old, WORD}
)";

TEST(Mismatch, IsAnErrorOrPassedOverOrReadAsFarAsItGoes) {
  EXPECT_THAT(error_of(with(kShorter, "mismatch: error")),
              HasSubstr("tensor 'old' has shape [4, 2], but w needs [6, 2]"));
  EXPECT_THAT(with(kShorter, "mismatch: skip").surprises, IsEmpty());
  const CaseResult placed = with(kShorter, "mismatch: common, place: same");
  EXPECT_EQ(error_of(placed), "");
  EXPECT_THAT(findings_of(placed, "source"), ElementsAre("0 w value"));
  EXPECT_EQ(verdict_in(placed, "source").findings[0].end, 8);
  EXPECT_THAT(findings_of(placed, "defined"), IsEmpty());
}

TEST(Mismatch, LeavesTheRestOfNewStorageUndefined) {
  const CaseResult fresh = with(kShorter, "mismatch: common");
  EXPECT_THAT(findings_of(fresh, "defined"), ElementsAre("0 w held"));
  EXPECT_EQ(verdict_in(fresh, "defined").findings[0].begin, 8);
}

TEST(Mismatch, OfDimensionsHasNothingInCommon) {
  EXPECT_THAT(error_of(run_text(R"(
tensors:
  old: {shape: [4], from: file, kind: scratch}
  w:   {shape: [4, 2]}
steps: [read: {of: w, key: old, mismatch: common}]
)")), HasSubstr("tensor 'old' has shape [4], but w needs [4, 2]"));
}

TEST(Mismatch, OfALongerTensorIsReadFromItsFirstRowOn) {
  EXPECT_THAT(run_text(R"yaml(
tensors:
  old: {shape: [6], from: file, kind: scratch, value: "arange(1, 1)"}
  w:   {shape: [4], value: "arange(1, 1)"}
steps: [read: {of: w, key: old, mismatch: common}]
)yaml").surprises, IsEmpty());
}

constexpr const char* kCold = R"(
tensors: {w: {shape: [4], value: 1}}
stores: {cache: {empty: true}}
steps:
  - read: {of: w, store: cache, WORD}
  - fill: {of: w, with: value, when: "!loaded"}
)";

TEST(Missing, FromAnEmptyStoreIsAFindingUnlessItIsExpected) {
  EXPECT_THAT(error_of(with(kCold, "missing: error")), HasSubstr("cache has no weights"));
  const CaseResult skipped = with(kCold, "missing: skip");
  EXPECT_EQ(error_of(skipped), "");
  EXPECT_THAT(findings_of(skipped, "no_vacuous"), ElementsAre("0 w nothing_read"));
  for (const char* trust : {"strict", "index", "files", "mapped"})
    EXPECT_THAT(with(kCold, std::string("missing: expected, trust: ") + trust).surprises,
                IsEmpty()) << trust;
}

constexpr const char* kSurplus = R"(
tensors: {"{a,b}": {shape: [4], from: file}}
steps:
  - read: {of: a, WORD}
  - read: {of: b}
)";

TEST(Unexpected, KeysAreReadOverOrRefused) {
  EXPECT_THAT(with(kSurplus, "unexpected: ignore").surprises, IsEmpty());
  EXPECT_EQ(error_of(with(kSurplus, "unexpected: error")),
            "store file has keys that no tensor takes: b");
  EXPECT_EQ(error_of(with(kSurplus, "key: [x, b], unexpected: error")),
            "store file has keys that no tensor takes: a");
}

TEST(Unexpected, KeysAreNoneWhereTensorsTakeAll) {
  EXPECT_THAT(run_text(R"(
tensors: {"{a,b}": {shape: [4], from: file}}
steps: [read: {of: all, unexpected: error}]
)").surprises, IsEmpty());
}

constexpr const char* kFiles = R"(
world: {ranks: 2}
tensors: {w: {shape: [4], from: file}}
stores: {file: {files: {0.safetensors: w, 1.safetensors: w@1}, index: {w: 0.safetensors}}}
steps: [read: {of: w, WORD}]
)";

TEST(Files, AreReadAloneWhereTheyAreNamed) {
  EXPECT_THAT(with(kFiles, "file: \"0.*\"").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(kFiles, "file: \"{rank}.safetensors\""), "ckpt"),
              ElementsAre("1 w value"));
  EXPECT_THAT(error_of(with(kFiles, "file: 2.safetensors, missing: error")),
              HasSubstr("file has no file 2.safetensors"));
  EXPECT_THAT(with(kFiles, "missing: error").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(kFiles, "trust: files"), "ckpt"),
              ElementsAre("0 w value", "1 w value"));
  EXPECT_THAT(with(kFiles, "trust: index, file: \"0.*\"").surprises, IsEmpty());
}

TEST(Files, ThatAreNotReadMayBeDamaged) {
  EXPECT_THAT(run_text(R"(
tensors: {w: {shape: [4], from: file}, v: {shape: [4], kind: scratch, from: file}}
stores: {file: {files: {0.safetensors: w, 1.safetensors: v}}}
steps:
  - damage: {file: 1.safetensors, cut: 8}
  - read:   {of: w, file: 0.safetensors}
)").surprises, IsEmpty());
}

constexpr const char* kDealt = R"(
world: {ranks: 2}
tensors: {w: {shape: [4, 2], from: file, shard: {dim: 0, order: [0, 2, 1, 3]}}}
steps: [read: {of: w, WORD}]
)";

TEST(Order, OfTheReaderMayBeAnotherThanTheTensors) {
  EXPECT_THAT(with(kDealt, "order: [0, 2, 1, 3]").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(kDealt, "order: [0, 1, 2, 3]"), "ckpt"),
              ElementsAre("0 w permutation", "1 w permutation"));
}

}  // namespace
}  // namespace loadproof::harness
