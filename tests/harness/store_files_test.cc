// Stores as folders: copies of nodes and ranks, files that move, indices, element types of files.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CaseResult with(std::string text, const std::string& word) {
  return run_text(text.replace(text.find("WORD"), 4, word));
}

constexpr const char* kLocal = R"(
world: {nodes: 2, ranks_per_node: 2}
tensors: {w: {shape: [4], from: file}}
stores: {disk: {per: WORD}}
steps:
  - damage:  {store: disk, ranks: 1, file: "*", remove: true}
  - barrier: {}
  - read:    {of: w, store: disk, missing: error}
)";

TEST(Copies, OfAStoreAreSeenByTheRanksOfANodeOrByOne) {
  EXPECT_THAT(findings_of(with(kLocal, "world"), "no_error").size(), 4u);
  EXPECT_THAT(findings_of(with(kLocal, "node"), "no_error"), ElementsAre("0 raised", "1 raised"));
  EXPECT_THAT(findings_of(with(kLocal, "rank"), "no_error"), ElementsAre("1 raised"));
}

constexpr const char* kCache = R"(
world: {nodes: 2, ranks_per_node: 2}
tensors: {w: {shape: [4], from: file}}
stores: {cache: {empty: true, per: node}}
steps:
  - read:    {id: pull, of: w, ranks: WORD}
  - save:    {of: w, store: cache, ranks: WORD}
  - barrier: {}
  - read:    {of: w, store: cache, missing: error}
)";

TEST(Copies, HoldWhatRanksOfTheirNodeHaveSaved) {
  std::string each = kCache, first = kCache;
  each.replace(each.find("WORD"), 4, "local 0");
  first.replace(first.find("WORD"), 4, "0");
  EXPECT_THAT(with(each, "local 0").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(first, "0"), "no_error"), ElementsAre("2 raised", "3 raised"));
}

constexpr const char* kCommit = R"(
world: {ranks: 2}
tensors: {w: {shape: [4], from: file}}
stores: {out: {version: 1}}
steps:
  - read: {of: w}
  - save: {of: w, store: out, file: tmp.safetensors, index: leave, ranks: 0}
  - move: {store: out, WORD, as: model.safetensors, ranks: 0}
  - barrier: {}
  - alloc: {of: w, as: empty}
  - read: {of: w, store: out, missing: error}
)";

TEST(Move, PutsAFileInPlaceOfAnotherAtOnce) {
  EXPECT_THAT(with(kCommit, "file: tmp.safetensors").surprises, IsEmpty());
  EXPECT_THAT(with(kCommit, "file: tmp.safetensors, copy: true").surprises, IsEmpty());
  EXPECT_THAT(with(kCommit, "file: other.safetensors").observation.ranks[0].error,
              HasSubstr("store out has no file other.safetensors"));
  EXPECT_THAT(with(kCommit, "file: \"*\"").observation.ranks[0].error,
              HasSubstr("2 files of store out cannot all become model.safetensors"));
}

constexpr const char* kStaging = R"(
world: {ranks: 2}
tensors: {w: {shape: [6], from: file, shard: {dim: 0}}}
stores: {staging: {empty: true}, final: {empty: true}}
steps:
  - read:    {of: w}
  - save:    {of: w, store: staging, file: "{rank}.safetensors"}
  - barrier: {}
  - move:    {store: staging, to: final, ranks: WORD}
  - barrier: {}
  - alloc:   {of: w, as: empty}
  - read:    {of: w, store: final, missing: error}
)";

TEST(Move, TakesAWholeFolderWithItsIndexOnce) {
  EXPECT_THAT(with(kStaging, "0").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(kStaging, "all"), "no_error"), testing::Contains("1 raised"));
}

TEST(Move, LeavesAnIndexBehindThatNamesTheOldFile) {
  const std::string text = R"(
tensors: {w: {shape: [4], from: file}}
stores: {file: {files: {a.safetensors: w}}}
steps:
  - move: {store: file, file: a.safetensors, as: b.safetensors}
  - read: {of: w, trust: WORD}
)";
  EXPECT_THAT(with(text, "strict").observation.ranks[0].error, HasSubstr("that file is missing"));
  EXPECT_THAT(with(text, "files").surprises, IsEmpty());
}

TEST(Move, CarriesStatesAndFaultsAlong) {
  const CaseResult result = run_text(R"(
tensors: {"{a,b}": {shape: [4]}}
stores: {out: {empty: true}, next: {empty: true}}
steps:
  - alloc:  {of: a, as: empty}
  - fill:   {of: b, with: ones}
  - save:   {of: all, store: out}
  - damage: {store: out, tensor: b, zero: 4}
  - move:   {store: out, to: next}
  - alloc:  {of: all, as: zeros}
  - read:   {of: all, store: next, missing: error}
)");
  EXPECT_EQ(verdict_in(result, "defined").findings.at(0).state, "undefined");
  EXPECT_EQ(verdict_in(result, "defined").findings.at(1).state, "tainted");
}

constexpr const char* kIndex = R"(
tensors: {w: {shape: [4], from: file}}
stores: {out: {files: {old.safetensors: w@1}}}
steps:
  - read: {of: w}
  - save: {of: w, store: out, file: new.safetensors, index: WORD}
  - alloc: {of: w, as: empty}
  - read: {of: w, store: out, trust: index}
)";

TEST(Index, IsRenewedOrStaleOrGoneAfterASave) {
  EXPECT_THAT(with(kIndex, "update").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(kIndex, "leave"), "ckpt"), ElementsAre("0 w other_store"));
  EXPECT_THAT(findings_of(with(kIndex, "none"), "defined"), ElementsAre("0 w held"));
}

constexpr const char* kNarrow = R"(
tensors: {w: {shape: [64], from: file}, ids: {shape: [4], dtype: int64, from: file}}
stores: {file: {dtype: bfloat16}, wide: {WORD}}
steps: [read: {of: all, store: wide}]
)";

TEST(Dtype, OfFilesIsCastByReadersAndComparedAfterTheCast) {
  EXPECT_THAT(run_text(R"(
tensors: {"{w,v}": {shape: [64], from: file}, ids: {shape: [4], dtype: int64, from: file}}
stores: {file: {dtype: bfloat16}}
steps: [read: {of: all}]
)").surprises, IsEmpty());
  EXPECT_THAT(findings_of(run_text(R"(
tensors: {"{w,v}": {shape: [64], from: file}}
stores: {file: {dtype: int8}}
steps: [{read: {of: w}}, {read: {of: v, key: w}}]
)"), "ckpt"), ElementsAre("0 v other_tensor"));
}

TEST(Dtype, IsOfFloatingPointTensorsOfOneStore) {
  EXPECT_THAT(with(kNarrow, "dtype: bfloat16").surprises, IsEmpty());
  EXPECT_THAT(findings_of(with(kNarrow, "dtype: float32"), "ckpt"),
              ElementsAre("0 w other_store"));
}

}  // namespace
}  // namespace loadproof::harness
