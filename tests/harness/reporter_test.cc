// What reporters write, from results made by hand.
#include "harness/reporters/reporters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "harness/judge.h"
#include "harness/replay.h"
#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

CaseResult result_of(const Observation& seen, std::string id,
                     std::map<std::string, Expectation> expect = {}) {
  CaseResult result;
  result.plan = plan_for(seen);
  result.plan.id = std::move(id);
  result.plan.expect = std::move(expect);
  result.observation = seen;
  result.verdicts = judge(result.plan, seen);
  result.surprises = compare_with_expectations(result.plan, seen, result.verdicts);
  result.status = result.surprises.empty() ? Status::kPass : Status::kFail;
  result.seconds = 0.0125;
  result.replay = replay_line(result.plan, {});
  return result;
}

CaseResult with_error(std::string message) {
  CaseResult result = result_of(sound_world(), "scenarios/x.yaml/bad");
  result.verdicts.clear();
  result.observation = {};
  result.status = Status::kError;
  result.error = std::move(message);
  return result;
}

Expectation fails_on(std::string_view ranks) {
  Expectation expected;
  expected.expected = Expected::kFail;
  expected.ranks = *RankSet::parse(ranks);
  expected.where = {"x.yaml", 23, 5};
  return expected;
}

std::map<std::string, Expectation> founding_expectations() {
  return {{"finite", fails_on("1")}, {"defined", fails_on("1")}, {"ckpt", fails_on("1")},
          {"replicas", fails_on("1")}};
}

std::string masked(const std::string& text) {
  return std::regex_replace(text, std::regex("[0-9.]+ m?s\\b"), "# s");
}

std::string reported(ReporterOptions options, const std::vector<CaseResult>& results) {
  std::ostringstream out;
  options.out = &out;
  auto made = make_reporters(options);
  EXPECT_TRUE(made) << made.error().message;
  RunSummary summary{.seconds = 3.4};
  for (const CaseResult& result : results) {
    summary.passed += result.status == Status::kPass;
    summary.failed += result.status == Status::kFail;
    summary.skipped += result.status == Status::kSkip;
    summary.errors += result.status == Status::kError;
  }
  for (auto& reporter : *made) {
    reporter->begin(results.size());
    for (const CaseResult& result : results) reporter->add(result);
    auto ended = reporter->end(summary);
    EXPECT_TRUE(ended) << ended.error().message;
  }
  return masked(out.str());
}

class ReporterFiles : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("loadproof_reporter_" + std::to_string(getpid()));
};

TEST(Console, TellsTheStoryOfAFailure) {
  CaseResult failed = result_of(founding_world(), "scenarios/x.yaml/dtype=bfloat16",
                                {{"defined", fails_on("1")}, {"ckpt", fails_on("1")},
                                 {"replicas", fails_on("1")}});
  CaseResult passed = result_of(sound_world(), "scenarios/x.yaml/dtype=float32");
  EXPECT_EQ(reported({}, {passed, failed}), R"(pass  scenarios/x.yaml/dtype=float32
FAIL  scenarios/x.yaml/dtype=bfloat16
  finite must pass, but fails on rank 1: 2 tensors (embed, head)
  finite: fails on rank 1: 2 tensors (embed, head)
    rank 1: NaN reached sampling: 1280 of 1280 logits of the prompt, error: probability tensor contains either `inf`, `nan` or element < 0
      at step 'generate' (sample, x.yaml:7)
    rank 1, embed: 64 of 64 elements are NaN, elements 0 to 63
    rank 1, head: 64 of 64 elements are NaN, elements 0 to 63
      undefined: undefined on rank 1
      should have been written by step 'read@4' (read, x.yaml:4), in which rank 1 took no part
  replay: loadproof run scenarios/x.yaml --only dtype=bfloat16 --fill nan --backend gloo --seed 7
failed:
  scenarios/x.yaml/dtype=bfloat16
2 cases: 1 passed, 1 failed in # s; slowest # s scenarios/x.yaml/dtype=float32
)");
}

TEST(Console, SaysWhatCaughtADefectThatWasExpected) {
  CaseResult caught = result_of(founding_world(), "scenarios/x.yaml", founding_expectations());
  ASSERT_EQ(caught.status, Status::kPass);
  EXPECT_EQ(reported({}, {caught}),
            "pass  scenarios/x.yaml  (caught by finite, defined, ckpt, replicas)\n"
            "1 case: 1 passed in # s\n");
  EXPECT_THAT(reported({.verbose = true}, {caught}), HasSubstr("NaN reached sampling"));
}

TEST(Console, ShowsEightTensorsARankAndCountsTheRest) {
  std::vector<TensorObservation> many;
  for (int i = 0; i < 27; ++i) many.push_back(undefined("w." + std::to_string(i), 0));
  std::string text = reported({}, {result_of(world({rank(0, many)}), "x")});
  EXPECT_THAT(text, HasSubstr("rank 0, w.7: 64 of 64 elements are NaN"));
  EXPECT_THAT(text, Not(HasSubstr("rank 0, w.8: 64 of 64 elements are NaN")));
  EXPECT_THAT(text, HasSubstr("… and 19 tensors more (--json has all)"));
}

TEST(Console, ShowsFourRanksAndNamesTheRest) {
  std::vector<RankObservation> ranks;
  for (int i = 0; i < 7; ++i) ranks.push_back(rank(i, {undefined("w", i)}));
  std::string text = reported({}, {result_of(world(ranks), "x")});
  EXPECT_THAT(text, HasSubstr("rank 3, w: 64 of 64 elements are NaN"));
  EXPECT_THAT(text, Not(HasSubstr("rank 4, w: 64 of 64 elements are NaN")));
  EXPECT_THAT(text, HasSubstr("… and ranks 4..6 (--json has all)"));
}

TEST(Console, TellsWhoWaitsForWhom) {
  Observation seen = sound_world();
  seen.waits.push_back(
      {1, kSync, "broadcast", "embed", "world", 3, {0}, "rank 1 waits for rank 0"});
  seen.wait_report = "rank 1 waits for rank 0\nrank 0 has ended";
  std::string text = reported({}, {result_of(seen, "x")});
  EXPECT_THAT(text,
              HasSubstr("  who waits for whom:\n    rank 1 waits for rank 0\n    rank 0 has"));
}

TEST(Console, ShowsSkippedAndImpossibleCases) {
  CaseResult skipped = with_error("no device");
  skipped.status = Status::kSkip;
  EXPECT_EQ(reported({}, {skipped, with_error("no such model")}),
            "skip  scenarios/x.yaml/bad  (no device)\n"
            "ERROR scenarios/x.yaml/bad\n  no such model\n"
            "  replay: loadproof run scenarios/x.yaml --only dtype=bfloat16 --fill nan --backend "
            "gloo --seed 7\n"
            "failed:\n  scenarios/x.yaml/bad\n"
            "2 cases: 0 passed, 1 could not run, 1 skipped in # s; slowest # s "
            "scenarios/x.yaml/bad\n");
}

TEST(Console, PaintsAndShowsProgressOnlyWhereAsked) {
  CaseResult passed = result_of(sound_world(), "x");
  EXPECT_THAT(reported({}, {passed, passed}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(reported({.colour = true}, {passed}), HasSubstr("\x1b[32mpass\x1b[0m  x"));
  std::string text = reported({.terminal = true}, {passed, passed});
  EXPECT_THAT(text, HasSubstr("[0/2]"));
  EXPECT_THAT(text, HasSubstr("\r\x1b[Kpass  x\n[1/2]"));
  EXPECT_THAT(text, Not(HasSubstr("[2/2]")));
}

TEST(Annotations, StandAtTheExpectationOrTheStepToBlame) {
  CaseResult wrong_rank = result_of(founding_world(), "x,y:z",
                                    {{"finite", fails_on("0")}, {"defined", fails_on("1")},
                                     {"ckpt", fails_on("1")}});
  std::string text = reported({.annotations = true}, {wrong_rank});
  EXPECT_THAT(text, HasSubstr("::error file=x.yaml,line=23,title=x%2Cy%3Az::finite must fail on"));
  EXPECT_THAT(text, HasSubstr("::error file=x.yaml,line=4,title=x%2Cy%3Az::replicas must pass"));
  EXPECT_THAT(text, HasSubstr("%0Areplay: loadproof run"));
  EXPECT_THAT(reported({}, {wrong_rank}), Not(HasSubstr("::error")));
}

TEST_F(ReporterFiles, JsonIsReadBackAsItWas) {
  CaseResult failed = result_of(founding_world(), "a");
  failed.observation.fingerprint = 0xFEDCBA9876543210u;
  failed.observation.waits.push_back(
      {1, kSync, "broadcast", "embed", "world", 3, {0}, "rank 1 waits for rank 0"});
  failed.observation.mismatches.push_back({"name", true, "differ", {0}, {"embed"}, kSync});
  failed.observation.vacuous.push_back({kSync, {0, 1}, "none"});
  failed.observation.ranks[0].failed_updates.push_back(
      {.step = kHold,
       .raised_at = kSync,
       .error = "no more",
       .on_error = "leave",
       .run = 2,
       .points = 1,
       .unchanged = {"embed"},
       .changed = {{"head", false, StateKind::kMeta, "on"}}});
  failed.observation.ranks[0].finished_updates.push_back({kHold, 1, {"embed"}});
  failed.observation.ranks[0].points[0].tensors[0].astray = "all of it instead of none";
  failed.observation.writes.push_back({0, "embed", 2, 0, 64, kSync});
  CaseResult passed = result_of(sound_world(), "b");
  std::stringstream lines;
  reported({.lines = &lines}, {failed, passed});
  std::string first, second, none;
  ASSERT_TRUE(std::getline(lines, first) && std::getline(lines, second));
  EXPECT_FALSE(std::getline(lines, none));
  auto read = read_json_line(first, failed.plan);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->observation, failed.observation);
  EXPECT_EQ(read->surprises, failed.surprises);
  EXPECT_EQ(read->status, Status::kFail);
  ASSERT_EQ(read->verdicts.size(), failed.verdicts.size());
  EXPECT_EQ(read->verdicts[0].findings.size(), failed.verdicts[0].findings.size());
  EXPECT_EQ(read->verdicts[0].findings[0].chain, failed.verdicts[0].findings[0].chain);
  EXPECT_EQ(read->replay, failed.replay);
  read = read_json_line(second, passed.plan);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->observation, passed.observation);
}

TEST_F(ReporterFiles, JsonHasWhatProgramsAskFor) {
  CaseResult failed = result_of(founding_world(), "a");
  failed.observation.fingerprint = 0xFEDCBA9876543210u;
  reported({.json = path("r.json")}, {failed});
  auto json = nlohmann::json::parse(text_of(path("r.json")));
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["summary"]["failed"], 1);
  const auto& one = json["cases"][0];
  EXPECT_EQ(one["id"], "a");
  EXPECT_EQ(one["axes"]["dtype"], "bfloat16");
  EXPECT_EQ(one["status"], "fail");
  EXPECT_EQ(one["observation"]["fingerprint"], "fedcba9876543210");
  const auto& rank = one["observation"]["ranks"][1];
  EXPECT_EQ(rank["outcome"], "died sampling");
  EXPECT_EQ(rank["generations"][0]["nan"], 1280);
  const auto& tensor = rank["points"][0]["tensors"][0];
  EXPECT_EQ(tensor["name"], "embed");
  EXPECT_EQ(tensor["dtype"], "float32");
  EXPECT_EQ(tensor["state_counts"]["undefined"], 64);
  EXPECT_EQ(tensor["nan"], 64);
  EXPECT_EQ(tensor["checkpoint"]["equal"], false);
  EXPECT_EQ(tensor["digest"], "0000000000000016");
}

TEST_F(ReporterFiles, JsonOfNoCasesAndOfStrangeTextIsWellFormed) {
  reported({.json = path("none.json")}, {});
  EXPECT_TRUE(nlohmann::json::accept(text_of(path("none.json"))));
  CaseResult strange = result_of(founding_world(), "a");
  strange.observation.ranks[0].error = "bytes \xff\xfe and \x01 \"quotes\"";
  strange.observation.ranks[1].generations[0].max_prob = std::nan("");
  reported({.json = path("strange.json")}, {strange});
  EXPECT_TRUE(nlohmann::json::accept(text_of(path("strange.json"))));
}

TEST_F(ReporterFiles, ALineOfAnotherCaseOrThatIsNotWholeIsRefused) {
  std::stringstream lines;
  const CaseResult result = result_of(sound_world(), "a");
  reported({.lines = &lines}, {result});
  const std::string line = lines.str();
  Case other = result.plan;
  other.id = "b";
  EXPECT_EQ(read_json_line(line, other).error().message, "case \"a\" instead of b");
  EXPECT_FALSE(read_json_line(line.substr(0, line.size() / 2), result.plan));
  EXPECT_FALSE(read_json_line("", result.plan));
}

TEST_F(ReporterFiles, APathNobodyCanWriteToIsToldBeforeAnythingRuns) {
  auto made = make_reporters({.json = "/nonexistent/folder/r.json"});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("cannot write /nonexistent/folder/r.json.tmp"));
  EXPECT_FALSE(make_reporters({.junit = fs::temp_directory_path().string()}));
}

TEST_F(ReporterFiles, AnInterruptedRunLeavesTheOldReportAlone) {
  std::ofstream(path("r.json")) << "old";
  {
    auto made = make_reporters({.json = path("r.json")});
    ASSERT_TRUE(made);
    made->front()->add(result_of(sound_world(), "a"));
  }
  EXPECT_EQ(text_of(path("r.json")), "old");
  EXPECT_THAT(text_of(path("r.json.tmp")), HasSubstr("\"id\":\"a\""));
}

// Enough of an XML parser to know that elements nest, attributes are quoted and text is escaped.
bool well_formed(const std::string& xml) {
  static const std::regex kToken(
      R"(<\?[^?]*\?>|<(/?)([a-z]+)((?: [a-z]+="[^"<]*")*)(/?)>|([^<&>]|&(amp|lt|gt|quot|#10);)+)");
  std::vector<std::string> open;
  auto at = xml.cbegin();
  std::smatch match;
  while (at != xml.cend()) {
    if (!std::regex_search(at, xml.cend(), match, kToken,
                           std::regex_constants::match_continuous))
      return false;
    at = match[0].second;
    if (!match[2].matched || match[4].length() > 0) continue;
    if (match[1].length() == 0) {
      open.push_back(match[2]);
    } else {
      if (open.empty() || open.back() != match[2]) return false;
      open.pop_back();
    }
  }
  return open.empty();
}

TEST_F(ReporterFiles, JunitIsWellFormedWhateverTheTexts) {
  CaseResult failed = result_of(founding_world(), "a<&>\"\x01\xff é");
  CaseResult skipped = with_error("no device");
  skipped.status = Status::kSkip;
  reported({.junit = path("r.xml")},
           {failed, result_of(sound_world(), "b"), skipped, with_error("no <model>")});
  std::string xml = text_of(path("r.xml"));
  EXPECT_TRUE(well_formed(xml)) << xml;
  EXPECT_FALSE(well_formed("<a><b></a>"));
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""));
  EXPECT_THAT(xml, HasSubstr("name=\"a&lt;&amp;&gt;&quot;?? é\" time=\"0.012500\""));
  EXPECT_THAT(xml, HasSubstr("<property name=\"dtype\" value=\"bfloat16\"/>"));
  EXPECT_THAT(xml, HasSubstr("<property name=\"oracle.finite\" value=\"fail\"/>"));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"finite must pass"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"no device\"/>"));
  EXPECT_THAT(xml, HasSubstr("<error message=\"no &lt;model&gt;\"/>"));
}

TEST(Replay, QuotesWhatAShellWouldTakeApart) {
  Case plan;
  plan.scenario = "my scenarios/it's.yaml";
  plan.axes = {{"variant", "5.4.0"}, {"hold.as", "a b"}, {"fill", "nan"}};
  plan.seed = 99;
  EXPECT_EQ(
      replay_line(plan, {"--ranks", "4"}),
      "loadproof run 'my scenarios/it'\\''s.yaml' --only 'variant=5.4.0,hold.as=a b' --ranks 4 "
      "--fill nan --backend gloo --seed 99");
  plan.axes.clear();
  EXPECT_THAT(replay_line(plan, {}), Not(HasSubstr("--only")));
}

}  // namespace
}  // namespace loadproof::harness::testing
