// stored(STORE): what a store has at the moment, in worlds that are run.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kCache = R"yaml(
world: {nodes: 2, ranks_per_node: 2}
tensors: {"{a,b}": {shape: [4], from: file}}
stores: {cache: {empty: true, per: PER}}
steps:
  - read:    {of: all, ranks: 0}
  - save:    {of: a, store: cache, ranks: 0}
  - barrier: {}
  - alloc:   {of: all, as: empty}
  - read:    {of: all, store: cache, when: stored(cache)}
  - read:    {of: all, when: "!stored(cache)"}
  - require: {of: a, ranks: 0, is: stored(cache), error: a is in no cache}
)yaml";

CaseResult cached(const std::string& per) {
  std::string text = kCache;
  return run_text(text.replace(text.find("PER"), 3, per));
}

TEST(Stored, IsWhatTheRanksOwnCopyHasNow) {
  for (const char* per : {"world", "node", "rank"})
    EXPECT_THAT(cached(per).surprises, IsEmpty()) << per;
}

TEST(Stored, IsNothingWhereNobodyHasSaved) {
  const CaseResult result = run_text(R"(
tensors: {a: {shape: [4], from: file}}
stores: {cache: {empty: true}}
steps:
  - read:    {of: a}
  - require: {of: a, is: stored(cache), error: no cache of}
)");
  EXPECT_THAT(findings_of(result, "no_error"), ElementsAre("0 raised"));
}

TEST(Stored, SeesKeysOfDamagedFilesAsLongAsTheyHaveAHeader) {
  EXPECT_THAT(run_text(R"(
tensors: {a: {shape: [4], from: file}}
steps:
  - read:    {of: a}
  - damage:  {cut: 4}
  - require: {of: a, is: stored(file), error: gone is}
)").surprises, IsEmpty());
  EXPECT_THAT(findings_of(run_text(R"(
tensors: {a: {shape: [4], from: file}}
steps:
  - read:    {of: a}
  - damage:  {tensor: a, rename: b}
  - require: {of: a, is: stored(file), error: gone is}
)"), "no_error"), ElementsAre("0 raised"));
}

TEST(Stored, NamesAStoreThatThereIs) {
  const ErrorRow row{R"yaml(about: a
tensors: {a: {shape: [4], from: file}}
stores: {cache: {empty: true}}
steps: [fill: {of: a, when: "!loaded & stored(cash)", with: init}]
)yaml",
                     {"4:40: unknown store \"cash\" = one of: cache, file"}};
  EXPECT_EQ(problems(row), row.problems);
}

}  // namespace
}  // namespace loadproof::harness
