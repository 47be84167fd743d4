// loadproof new: what it writes parses, passes and is found; what is there already stays.
#include <gmock/gmock.h>

#include "harness/new_scenario.h"
#include "harness/oracles/oracle.h"
#include "harness/runner.h"
#include "tests/harness/front_end.h"
#include "tests/harness/program.h"

namespace loadproof::harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<Case> cases_of(const std::string& text, const Overrides& overrides) {
  std::vector<std::string_view> names;
  for (const OracleInfo& oracle : oracles()) names.push_back(oracle.name);
  const Parsed parsed = parse_scenario("x.yaml", text_files({{"x.yaml", text}}), names);
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  return parsed.scenario ? expand(*parsed.scenario, overrides).cases : std::vector<Case>();
}

TEST(NewScenario, PassesAsItStandsInEveryWorldAndUnderEveryFill) {
  sim::Session session;
  for (const int64_t ranks : {2, 3, 8}) {
    const std::vector<Case> cases = cases_of(new_scenario("x.yaml", ranks), {.fill = "all"});
    EXPECT_EQ(cases.size(), 12u);
    for (const Case& one : cases) {
      EXPECT_EQ(one.topology.ranks(), ranks);
      const CaseResult result = run_case(session, one, {});
      EXPECT_EQ(result.status, Status::kPass) << one.id << "\n" << result.error;
      EXPECT_THAT(result.surprises, IsEmpty()) << one.id;
    }
  }
}

TEST(NewScenario, CatchesItsDefectAndOnlyThat) {
  sim::Session session;
  std::vector<std::string> failed;
  for (const Case& one : cases_of(new_scenario("x.yaml", 2), {}))
    for (const Verdict& verdict : run_case(session, one, {}).verdicts)
      if (verdict.judgement == Judgement::kFail)
        failed.push_back(one.axes[0].second + " " + verdict.oracle);
  EXPECT_THAT(failed, testing::ElementsAre("defective finite", "defective defined",
                                           "defective ckpt", "defective replicas"));
}

TEST(NewScenario, NamesTheSchemaFromWhereItLies) {
  const auto first_line = [](const std::string& path) {
    const std::string text = new_scenario(path, 2);
    return text.substr(0, text.find('\n'));
  };
  const std::string key = "# yaml-language-server: $schema=";
  EXPECT_EQ(first_line("/a/scenarios/x.yaml"), key + "schema/scenario.json");
  EXPECT_EQ(first_line("/a/scenarios/faults/x.yaml"), key + "../schema/scenario.json");
  EXPECT_EQ(first_line("scenarios/a/b/x.yaml"), key + "../../schema/scenario.json");
  EXPECT_EQ(first_line("/scenarios/a/scenarios/x.yaml"), key + "schema/scenario.json");
  EXPECT_THAT(first_line("/a/x.yaml"), StartsWith("# One sentence"));
}

TEST_F(Program, WritesANewScenarioAndSaysWhatToTypeNext) {
  const Ended ended = run("new " + path("mine") + " --world 4");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(text_of(path("mine.yaml")), new_scenario(path("mine.yaml"), 4));
  size_t commands = 0;
  for (size_t at = ended.out.find("  loadproof "); at != std::string::npos;
       at = ended.out.find("  loadproof ", at + 1), ++commands) {
    const std::string next = ended.out.substr(at + 12, ended.out.find('#', at) - at - 12);
    const Ended followed = run(next);
    EXPECT_EQ(followed.code, 0) << next << "\n" << followed.out << followed.err;
    EXPECT_THAT(followed.out, HasSubstr("mine.yaml")) << next;
  }
  EXPECT_EQ(commands, 3u);
  EXPECT_THAT(ended.out, Not(HasSubstr("CMakeLists")));
}

TEST_F(Program, TellsOfTheListOfScenariosWhereThereIsOne) {
  std::filesystem::create_directories(path("scenarios/faults"));
  write("scenarios/CMakeLists.txt", "");
  const Ended ended = run("new " + path("scenarios/faults/mine.yaml"));
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("ctest runs it once faults/mine.yaml stands in the list"),
                               HasSubstr(path("scenarios/CMakeLists.txt"))));
  EXPECT_THAT(text_of(path("scenarios/faults/mine.yaml")),
              StartsWith("# yaml-language-server: $schema=../schema/scenario.json\n"));
}

TEST_F(Program, NeverWritesOverAFileNorIntoAFolderThatIsNotThere) {
  write("mine.yaml", "mine\n");
  std::filesystem::create_directory(path("faults"));
  const std::pair<std::string, std::string> cases[] = {
      {path("mine"), "mine.yaml is there already, and is left as it is"},
      {path("mine.yaml"), "mine.yaml is there already, and is left as it is"},
      {path("fautls/x"), "there is no folder " + path("fautls") + " (did you mean \"faults\"?)"},
      {path("x.yml"), "(did you mean \"" + path("x.yaml") + "\"?)"},
      {path("faults/"), "names no file"},
      {path("x") + " --world 1", "--world: must be 2 to 16384"},
      {path("x") + " --world many", "--world"},
      {"", "name is required"},
  };
  for (const auto& [arguments, message] : cases) {
    const Ended ended = run("new " + arguments);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(message)) << arguments;
    EXPECT_EQ(ended.out, "") << arguments;
  }
  EXPECT_EQ(text_of(path("mine.yaml")), "mine\n");
  EXPECT_FALSE(std::filesystem::exists(path("x.yaml")));
}

}  // namespace
}  // namespace loadproof::harness
