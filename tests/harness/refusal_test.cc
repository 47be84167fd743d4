// `refuse`: bad input that the program must not take.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// w.2 is in no file.
std::string world(const std::string& refuse, const std::string& load) {
  return "world: {ranks: 2}\nrefuse: " + refuse + R"(
tensors: {"w.{1,2}": {shape: [4], from: file}}
stores: {hub: {files: {a.safetensors: [w.1]}}}
steps:
  - alloc: {of: all, as: empty}
  - read:  {id: load, of: all, store: hub)" +
         load + "}\n";
}

TEST(Refusal, ThatComesByNameIsAsItMustBe) {
  const CaseResult result = run_text(world("{at: load, names: [w.2]}", ", missing: error"));
  EXPECT_THAT(result.surprises, IsEmpty());
  EXPECT_EQ(result.observation.ranks.at(1).outcome, Outcome::kRaised);
  EXPECT_EQ(verdict_in(result, "no_error").summary, "every error refuses what must be refused");
  EXPECT_EQ(verdict_in(result, "ckpt").judgement, Judgement::kUnknown);
}

TEST(Refusal, ThatDoesNotComeIsSilence) {
  const CaseResult result = run_text(world("{at: load, names: [w.2]}", ", missing: skip"));
  EXPECT_THAT(findings_of(result, "clear_error"), ElementsAre("0 silent", "1 silent"));
  EXPECT_THAT(verdict_in(result, "clear_error").findings[0].text,
              HasSubstr("rank 0 raised nothing at 'load' (read, "));
  EXPECT_THAT(findings_of(result, "no_error"), IsEmpty());
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre("0 w.2 value", "1 w.2 value"));
}

TEST(Refusal, MustTellAllNames) {
  const CaseResult result = run_text(world("{at: load, names: [w.2, w.9]}", ", missing: error"));
  EXPECT_THAT(findings_of(result, "clear_error"), ElementsAre("0 vague", "1 vague"));
  EXPECT_THAT(verdict_in(result, "clear_error").findings[0].text,
              HasSubstr("a text that does not name \"w.9\""));
  EXPECT_THAT(findings_of(result, "no_error"), ElementsAre("0 raised", "1 raised"));
}

TEST(Refusal, IsAskedOfTheRanksThatRunTheStepOrThatItNames) {
  const std::string loads = ", missing: error, ranks: 0";
  const CaseResult who_runs = run_text(world("{at: load, names: [w.2]}", loads));
  EXPECT_THAT(findings_of(who_runs, "clear_error"), IsEmpty());
  EXPECT_THAT(findings_of(who_runs, "no_error"), IsEmpty());
  const CaseResult all = run_text(world("{at: load, names: [w.2], ranks: all}", loads));
  EXPECT_THAT(findings_of(all, "clear_error"), ElementsAre("1 silent"));
  const CaseResult other = run_text(world("{at: load, names: [w.2], ranks: 1}", loads));
  EXPECT_THAT(findings_of(other, "no_error"), ElementsAre("0 raised"));
}

TEST(Refusal, IsOfOneStepAlone) {
  const CaseResult result = run_text(world("{at: load}", ", missing: error, ranks: 0") +
                                     "  - raise: {ranks: 1, error: no disk}\n");
  EXPECT_THAT(findings_of(result, "no_error"), ElementsAre("1 raised"));
  EXPECT_THAT(findings_of(result, "clear_error"), ElementsAre("1 vague"));
}

TEST(Refusal, MayEndAnUpdate) {
  const CaseResult result = run_text(R"(refuse: {at: load, names: [w]}
tensors: {w: {shape: [4], from: file}}
stores: {none: {empty: true}}
steps:
  - read:   {of: w}
  - update: {do: [{read: {id: load, of: w, store: none, missing: error}}]}
)");
  EXPECT_THAT(result.surprises, IsEmpty());
  EXPECT_EQ(result.observation.ranks.at(0).outcome, Outcome::kFinished);
  EXPECT_EQ(verdict_in(result, "ckpt").judgement, Judgement::kPass);
}

TEST(Refusal, CanBeTakenAwayAndChangedByPatches) {
  const Parsed parsed = parse_text("about: a\n" + world("{at: load, names: [w.2]}", "") + R"(
variants:
  as-it-is: {}
  none:     {set: {refuse: null}}
  other:    {set: {refuse.at: alloc@7, refuse.names: null, refuse.ranks: 1}}
  anew:     {set: {refuse: {at: load}}}
)");
  ASSERT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  const std::vector<Case> cases = expand(*parsed.scenario, {}).cases;
  ASSERT_EQ(cases.size(), 4u);
  EXPECT_THAT(cases[0].refuse->names, ElementsAre("w.2"));
  EXPECT_FALSE(cases[1].refuse);
  EXPECT_EQ(cases[2].refuse->at, "alloc@7");
  EXPECT_THAT(cases[2].refuse->names, IsEmpty());
  EXPECT_EQ(cases[2].refuse->ranks->text(), "1");
  EXPECT_EQ(cases[3].refuse->at, "load");
  EXPECT_FALSE(cases[3].refuse->ranks);
}

TEST(Refusal, SaysWhatIsWrongWithIt) {
  const std::vector<ErrorRow> rows = {
      {kHead + R"(refuse: {att: load, names: {}}
steps: [barrier: {id: refuse}]
)",
       {"3:9: refuse needs the key \"at\" = the id of a step",
        "3:10: unknown key of refuse \"att\" = did you mean \"at\"?",
        "3:28: names must be text, not a map",
        "4:23: \"refuse\" is no id: `set` calls something else so"}},
      {kHead + R"(refuse: {at: laod}
limits: {write: 1, writes: -1}
steps: [barrier: {id: load}]
)",
       {"3:9: unknown step in \"at\" of refuse \"laod\" = did you mean \"load\"?",
        "4:10: unknown key of limits \"write\" = did you mean \"writes\"?",
        "4:28: limits.writes must be between 0 and 1000000, not -1"}},
  };
  for (const ErrorRow& row : rows) EXPECT_EQ(problems(row), row.problems) << row.scenario;
}

}  // namespace
}  // namespace loadproof::harness
