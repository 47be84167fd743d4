// Mutants of small programs, to the last one: which there are, which survive, and which of those
// change nothing.
#include "harness/mutants.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "harness/oracles/oracle.h"
#include "tests/harness/front_end.h"
#include "tests/harness/program.h"

namespace loadproof::harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kModel = "scenarios/models/qwen2_tied_bf16/config.json";

Case case_of(const std::string& text) {
  std::vector<std::string_view> names;
  for (const OracleInfo& oracle : oracles()) names.push_back(oracle.name);
  const Parsed parsed = parse_scenario(
      "x.yaml", text_files({{"x.yaml", "about: a\n" + text}, {kModel, "{}"}}), names);
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  return parsed.scenario ? expand(*parsed.scenario).cases.at(0) : Case();
}

std::vector<std::string> names_of(const std::string& text) {
  std::vector<std::string> names;
  for (const Mutant& mutant : mutants_of(case_of(text)))
    names.push_back(mutant.step + " " + mutant.change);
  return names;
}

// "STEP CHANGE", and "=" before those whose result is the same; what was caught is left out.
std::vector<std::string> survivors_of(const std::string& text) {
  const Case plan = case_of(text);
  sim::Session session;
  const CaseResult original = run_case(session, plan, {});
  EXPECT_EQ(original.status, Status::kPass) << original.error;
  std::vector<std::string> survivors;
  for (const Mutant& mutant : mutants_of(plan)) {
    const Trial trial = try_mutant(session, plan, original.observation, mutant);
    EXPECT_EQ(trial.fate == Fate::kCaught, !trial.caught_by.empty());
    if (trial.fate == Fate::kSurvived)
      survivors.push_back((trial.same_result ? "=" : "") + mutant.step + " " + mutant.change);
  }
  return survivors;
}

const std::string kLoader = R"(
world: {ranks: 3}
tensors: {"w.{0,1}": {shape: [4], from: file}}
steps:
  - read:      {id: load, of: file, ranks: 0}
  - alloc:     {id: hold, of: file, ranks: r>0, as: empty}
  - broadcast: {id: sync, of: file, src: 0}
)";

TEST(Mutants, AreEveryMistakeOnce) {
  EXPECT_THAT(names_of(kLoader),
              ElementsAre("load drop", "load duplicate", "load swap with hold", "load ranks: all",
                          "load ranks: r>0", "load ranks: r!=last", "hold drop", "hold duplicate",
                          "hold swap with sync", "hold ranks: all", "hold ranks: 0",
                          "hold ranks: r!=last", "sync drop", "sync duplicate", "sync ranks: 0",
                          "sync ranks: r>0", "sync ranks: r!=last", "sync src: 1"));
}

TEST(Mutants, KnowOfNodesAndOfWhoComesToAStepAtAll) {
  EXPECT_THAT(names_of("world: {nodes: 2, ranks_per_node: 2}\ntensors: {w: {shape: [1]}}\nsteps:\n"
                       "  - barrier: {id: meet, ranks: local 0}\n"),
              ElementsAre("meet drop", "meet duplicate", "meet ranks: all", "meet ranks: 0",
                          "meet ranks: r>0", "meet ranks: r!=last", "meet ranks: local>0"));
  EXPECT_THAT(names_of("world: {ranks: 2}\ntensors: {w: {shape: [1]}}\nsteps:\n"
                       "  - each: {id: outer, of: w, ranks: 1, do: [barrier: {id: inner}]}\n"),
              ElementsAre("outer drop", "outer duplicate", "outer ranks: all", "outer ranks: 0",
                          "inner drop", "inner duplicate"));
}

TEST(Mutants, AreNumberedProgramsWhoseStepsHaveNamesOfTheirOwn) {
  const Case plan = case_of(
      "world: {ranks: 2}\ntensors: {w: {shape: [1]}}\nsteps:\n"
      "  - each: {id: outer, of: w, do: [barrier: {id: inner}, barrier: {id: last}]}\n");
  for (const Mutant& mutant : mutants_of(plan)) {
    EXPECT_NE(mutant.program.steps, plan.program.steps) << mutant.step << " " << mutant.change;
    std::set<std::string> ids;
    const std::vector<const Step*> steps = flat_steps(mutant.program);
    for (size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(steps[i]->index, static_cast<int>(i));
      EXPECT_TRUE(ids.insert(steps[i]->id).second) << mutant.change << " " << steps[i]->id;
    }
  }
}

TEST(Mutants, SurviveWhereTheyChangeNothing) {
  EXPECT_THAT(survivors_of(kLoader),
              ElementsAre("=load duplicate", "=load swap with hold", "=load ranks: all",
                          "=load ranks: r!=last", "=hold duplicate", "=sync duplicate"));
}

// Nothing says which value `w` must have: each program gives all ranks another one.
TEST(Mutants, SurviveWhereNobodyLooks) {
  EXPECT_THAT(survivors_of(R"(
world: {ranks: 2}
tensors: {w: {shape: [4]}}
steps:
  - fill:  {id: ones, of: w, with: ones}
  - apply: {id: grow, fn: mul, of: w, const: 2}
)"),
              ElementsAre("=ones duplicate", "grow drop", "grow duplicate"));
}

TEST(Mutants, SurviveWhateverTheyDoToScratchMemory) {
  EXPECT_THAT(survivors_of("tensors: {w: {shape: [4], kind: scratch}, v: {shape: [1]}}\nsteps:\n"
                           "  - fill: {id: v, of: v, with: ones}\n"
                           "  - fill: {id: w, of: w, with: ones}\n"),
              ElementsAre("=v duplicate", "=v swap with w", "=w drop", "=w duplicate"));
}

TEST(Mutants, AreCaughtByTokensWhereTheseAreExpected) {
  Case plan = case_of(R"(
model: scenarios/models/qwen2_tied_bf16
steps:
  - read:   {of: file}
  - bind:   {of: tied}
  - fill:   {of: runtime_buffer, with: init}
  - sample: {id: generate, tokens: 2}
)");
  sim::Session session;
  const Observation original = run_case(session, plan, {}).observation;
  const std::vector<Mutant> mutants = mutants_of(plan);
  const auto dropped = std::ranges::find_if(mutants, [](const Mutant& mutant) {
    return mutant.step == "generate" && mutant.change == "drop";
  });
  ASSERT_NE(dropped, mutants.end());
  const Trial survived = try_mutant(session, plan, original, *dropped);
  EXPECT_EQ(survived.fate, Fate::kSurvived);
  EXPECT_TRUE(survived.same_result);
  plan.tokens.push_back({.tokens = original.ranks.at(0).generations.at(0).tokens});
  EXPECT_THAT(try_mutant(session, plan, original, *dropped).caught_by, ElementsAre("tokens"));
}

TEST(Mutants, AreRefusedWhereTheyCannotBeRun) {
  Case plan = case_of(kLoader);
  sim::Session session;
  const Observation original = run_case(session, plan, {}).observation;
  const Mutant mutant = mutants_of(plan).front();
  plan.model = "tests/data/nothing_here";
  EXPECT_EQ(try_mutant(session, plan, original, mutant).fate, Fate::kRefused);
}

TEST(Mutants, AreMadeOfCasesThatMustPassWholly) {
  EXPECT_TRUE(must_pass_wholly(case_of(kLoader)));
  EXPECT_TRUE(must_pass_wholly(case_of(kLoader + "expect: {ckpt: pass}\n")));
  EXPECT_FALSE(must_pass_wholly(case_of(kLoader + "expect: {ckpt: fail}\n")));
  EXPECT_FALSE(must_pass_wholly(case_of(kLoader + "expect: {ckpt: free}\n")));
}

TEST_F(Program, MutatesAndSaysWhatSurvives) {
  const std::string file = write("x.yaml", "about: a" + kLoader);
  const Ended ended = run("mutate " + file + " --json " + path("m.json"));
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            file + R"(
  load  duplicate       same result
  load  swap with hold  same result
  load  ranks: all      same result
  load  ranks: r!=last  same result
  hold  duplicate       same result
  sync  duplicate       same result
18 mutants of 1 case: 12 caught (no_hang 9, clear_error 6, no_error 6, symmetric_error 6, ckpt 5, )"
                   R"(defined 5, finite 5, replicas 1), 6 survived, 6 of them with the same result
)");
  EXPECT_EQ(run("mutate " + file).out, ended.out);
  EXPECT_THAT(text_of(path("m.json")),
              HasSubstr(R"("step": "hold", "change": "swap with sync", "fate": "caught")"));
}

TEST_F(Program, MutateFailsWhereASurvivorHasAnotherResult) {
  const std::string file = write("x.yaml",
                                 "about: a\ntensors: {w: {shape: [1]}}\nsteps:\n"
                                 "  - fill: {id: write, of: w, with: ones}\n"
                                 "  - fill: {id: again, of: w, with: zeros}\n");
  const Ended ended = run("mutate " + file);
  EXPECT_EQ(ended.code, 1) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("  again  drop             ANOTHER RESULT\n"));
}

TEST_F(Program, MutateNeedsACaseThatPasses) {
  const std::string wrong = write("x.yaml",
                                  "about: a\ntensors: {w: {shape: [1], value: 1}}\nsteps:\n"
                                  "  - fill: {of: w, with: zeros}\n");
  const std::pair<std::string, std::string> cases[] = {
      {wrong, "x.yaml does not pass as it is: loadproof run "},
      {"scenarios/canaries/dtype.yaml", "of 1 case none must pass wholly"},
      {"absent.yaml", "absent.yaml"},
      {wrong + " --json /nonexistent/m.json", "/nonexistent/m.json"},
      {"scenarios/smoke --only variant=bradcast", "bradcast"},
  };
  for (const auto& [arguments, message] : cases) {
    const Ended ended = run("mutate " + arguments);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(message)) << arguments;
  }
}

}  // namespace
}  // namespace loadproof::harness
