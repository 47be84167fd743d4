// The program from outside: exit codes, messages, what it prints. It is run as a person runs it.
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/harness/program.h"
#include "tests/harness/well_formed.h"

namespace loadproof::harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kSmoke = "scenarios/smoke/ram_efficient_loading.yaml";
constexpr const char* kIncident = "scenarios/incidents/hf-45649.yaml";
constexpr const char* kModel = "scenarios/models/qwen2_tied_fp32";

TEST_F(Program, AnswersBadInputWithACodeAndAMessage) {
  const std::string smoke = kSmoke, model = kModel;
  const std::pair<std::string, const char*> cases[] = {
      {"", "subcommand is required"},
      {"rnu x.yaml", "there is no command \"rnu\" (did you mean \"run\"?)"},
      {"zzzzzz", "there are run launch list explain"},
      {"run", "paths is required"},
      {"run --nonsense " + smoke, "--nonsense"},
      {"run absent.yaml", "there is no file, folder or case called absent.yaml"},
      {"run scenarios/smoke/ram_eficient_loading.yaml",
       "did you mean \"ram_efficient_loading.yaml\""},
      {"run " + smoke + " --only variant", "'variant' is not axis=value"},
      {"run " + smoke + " --only variant=nope", "\"nope\""},
      {"run " + smoke + " --only nothing=1", "no axis \"nothing\""},
      {"run scenarios --only nothing=1", "no case is selected"},
      {"run " + smoke + " --fill pink", "pink"},
      {"run " + smoke + " --backend pigeon", "pigeon"},
      {"run " + smoke + " --dtype float99", "float99"},
      {"run " + smoke + " --ranks 0", "--ranks"},
      {"run " + smoke + " --ranks two", "--ranks"},
      {"run " + smoke + " --seed -1", "--seed"},
      {"run " + smoke + " --jobs 0", "--jobs"},
      {"run " + smoke + " --share 2/2", "--share"},
      {"run " + smoke + " --json /nonexistent/r.json", "cannot write /nonexistent/r.json.tmp"},
      {"run " + smoke + " --junit /nonexistent/r.xml", "cannot write /nonexistent/r.xml.tmp"},
      {"list absent", "absent"},
      {"explain absent", "absent"},
      {"memory absent", "absent"},
      {"memory", "paths is required"},
      {"memory " + smoke + " --against variant=nope", "\"nope\""},
      {"memory " + smoke + " --against nothing=1", "no axis \"nothing\""},
      {"memory " + smoke + " --against absent.yaml", "called absent.yaml"},
      {"memory " + smoke + " --only variant=5.4.0 --against variant=5.4.0", "those themselves"},
      {"memory " + smoke + " --only variant=5.4.0 --against " + kIncident + "/variant=empty",
       "2 cases stand beside"},
      {"memory " + smoke + " --svg /nonexistent/m.svg", "cannot write /nonexistent/m.svg.tmp"},
      {"memory " + smoke + " --json /nonexistent/m.json", "cannot write /nonexistent/m.json.tmp"},
      {"inspect absent", "absent"},
      {"forward --model " + model, "--prompt"},
      {"forward --prompt 1", "--model"},
      {"forward --model absent --prompt 1", "absent"},
      {"forward --model " + model + " --prompt 1,x", "--prompt"},
      {"forward --model " + model + " --prompt 1000000", "1000000"},
      {"forward --model " + model + " --prompt 1 --dtype float99", "float99"},
      {"forward --model " + model + " --prompt 1 --tokens -1", "--tokens"},
      {"forward --model " + model + " --prompt 1 --attention none", "none"},
      {"schema --recipe --reference", "--reference"},
      {"doctor now", "now"},
      {"doctor --json /nonexistent/d.json", "cannot write /nonexistent/d.json.tmp"},
  };
  for (const auto& [arguments, message] : cases) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(message)) << arguments;
    EXPECT_EQ(ended.out, "") << arguments;
  }
}

TEST_F(Program, TellsEverythingThatIsWrongWithAFileAtOnce) {
  const std::string file = write("bad.yaml", "abuot: x\nworld: {ranks: 0}\nsteps:\n  - reed: {}\n");
  const Ended ended = run("run " + file);
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(file + ":1:1"));
  EXPECT_THAT(ended.err, HasSubstr("about"));
  EXPECT_THAT(ended.err, HasSubstr(":2:"));
  EXPECT_THAT(ended.err, HasSubstr(":4:"));
}

TEST_F(Program, AnUnreadableModelIsBadInputOfTheCase) {
  const std::string file = write(
      "x.yaml",
      "about: X.\nmodel: absent\nworld: {ranks: 2}\nsteps:\n  - alloc: {of: all, as: meta}\n");
  const Ended ended = run("run " + file);
  EXPECT_EQ(ended.code, 2) << ended.out << ended.err;
  EXPECT_THAT(ended.out + ended.err, HasSubstr("absent"));
}

TEST_F(Program, PassesWhereEverythingIsAsExpected) {
  const Ended ended = run(std::string("run ") + kSmoke);
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("variant=5.4.0  (caught by finite, defined, ckpt, replicas)"));
  EXPECT_THAT(ended.out, HasSubstr("5 cases: 5 passed"));
  EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
}

TEST_F(Program, RunsOneCaseByItsId) {
  const Ended ended = run(std::string("run ") + kSmoke + "/variant=5.6.0");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("1 case: 1 passed"));
}

TEST_F(Program, TellsTheStoryOfASurpriseAndTheLineThatReplaysIt) {
  const std::string file = write("x.yaml",
                                 "about: Rank 1 is left out.\nworld: {ranks: 2}\n"
                                 "tensors:\n  w: {shape: [8], dtype: float32, value: 1}\n"
                                 "steps:\n  - alloc: {id: hold, of: all, as: empty}\n"
                                 "  - fill: {of: all, ranks: 0, with: value}\n");
  const Ended ended = run("run " + file + " --fill nan");
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("FAIL  " + file));
  EXPECT_THAT(ended.out, HasSubstr("finite must pass, but fails on rank 1: 1 tensor (w)"));
  EXPECT_THAT(ended.out, HasSubstr("rank 1, w: 8 of 8 elements are NaN"));
  EXPECT_THAT(ended.out, HasSubstr("hold"));
  const size_t replay = ended.out.find("replay: loadproof ");
  ASSERT_NE(replay, std::string::npos);
  const size_t begin = replay + std::string("replay: loadproof ").size();
  const Ended again = run(ended.out.substr(begin, ended.out.find('\n', begin) - begin));
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.out, HasSubstr("finite must pass, but fails on rank 1"));
}

TEST_F(Program, ReplayLinesOfOverriddenAndFilledCasesRun) {
  const Ended all =
      run(std::string("run ") + kSmoke +
          " --only variant=5.4.0 --fill all --ranks 2 --dtype float16 --json " + path("r.json"));
  EXPECT_EQ(all.code, 0) << all.out << all.err;
  const Json cases = Json::parse(text_of(path("r.json")))["cases"];
  ASSERT_EQ(cases.size(), 6u);
  const std::string replay = cases[2]["replay"];
  ASSERT_THAT(replay, StartsWith("loadproof run "));
  const Ended again =
      run(replay.substr(std::string("loadproof ").size()) + " --json " + path("again.json"));
  EXPECT_EQ(again.code, 0) << again.out << again.err;
  const Json same = Json::parse(text_of(path("again.json")))["cases"];
  ASSERT_EQ(same.size(), 1u);
  EXPECT_EQ(same[0]["observation"]["fingerprint"], cases[2]["observation"]["fingerprint"]);
  EXPECT_EQ(same[0]["fill"], cases[2]["fill"]);
  EXPECT_EQ(same[0]["dtype"], "float16");
  const Ended by_id = run("list " + cases[2]["id"].get<std::string>());
  EXPECT_EQ(by_id.code, 0) << by_id.err;
}

TEST_F(Program, WorkersSeeWhatOneProcessSees) {
  const std::string arguments = std::string("run ") + kSmoke + " --twice --backend sim --json ";
  EXPECT_EQ(run(arguments + path("one.json")).code, 0);
  const Ended shared = run(arguments + path("two.json") + " --jobs 3");
  EXPECT_EQ(shared.code, 0) << shared.out << shared.err;
  Json one = Json::parse(text_of(path("one.json")))["cases"];
  Json two = Json::parse(text_of(path("two.json")))["cases"];
  for (Json* cases : {&one, &two})
    for (Json& result : *cases) result.erase("seconds");
  EXPECT_EQ(one, two);
}

TEST_F(Program, ListsIdsLabelsAndJson) {
  const Ended ids = run(std::string("list ") + kSmoke);
  EXPECT_EQ(ids.code, 0) << ids.err;
  EXPECT_THAT(ids.out, StartsWith(std::string(kSmoke) + "/variant=5.3.0\n"));
  EXPECT_THAT(run(std::string("list --labels ") + kSmoke).out, HasSubstr("\tsmoke"));
  const Json json = Json::parse(run(std::string("list --json ") + kSmoke).out);
  EXPECT_EQ(json["cases"].size(), 5u);
  EXPECT_EQ(json["cases"][0]["axes"]["variant"], "5.3.0");
}

TEST_F(Program, AWorkerThatIsKilledIsToldAndItsCasesAreErrors) {
  // Each worker has many cases; the first one dies as soon as it is there.
  const Ended ended = shell(
      "{ " + shell_word(LOADPROOF_PROGRAM) +
      " run scenarios/ground_truth --backend sim --jobs 2 & p=$!; c=''; "
      "while [ -z \"$c\" ]; do c=$(cut -d' ' -f1 /proc/$p/task/$p/children); done; "
      "kill -9 $c; wait $p; } > " + path("out") + " 2> " + path("err"));
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, HasSubstr("the worker process that was to run it was killed by signal 9"));
  EXPECT_THAT(ended.out, HasSubstr("could not run"));
  EXPECT_THAT(ended.out, HasSubstr(" passed, "));
}

TEST_F(Program, InspectTellsEveryDamageOfACheckpoint) {
  const std::map<std::string, const char*> damages = {
      {"bad_extra_key_fp32", "unexpected: no tensor of the model is made from it"},
      {"bad_extra_key_bf16", "unexpected: no tensor of the model is made from it"},
      {"bad_nan_value_fp32", "stores 1 NaN and 0 inf among its elements"},
      {"bad_nan_value_bf16", "stores 1 NaN and 0 inf among its elements"},
      {"bad_missing_key_fp32", "the checkpoint has no '"},
      {"bad_missing_key_bf16", "the checkpoint has no '"},
      {"bad_missing_norm_fp32", "the checkpoint has no '"},
      {"bad_missing_norm_bf16", "the checkpoint has no '"},
      {"bad_no_lm_head_fp32", "the checkpoint has no 'lm_head.weight'"},
      {"bad_no_lm_head_bf16", "the checkpoint has no 'lm_head.weight'"},
      {"bad_shape_fp32", "has shape [48, 32], but"},
      {"bad_shape_bf16", "has shape [48, 32], but"},
      {"bad_truncated_bf16", "incomplete metadata, file not fully covered"},
      {"bad_missing_shard_fp32", "model-00003-of-00003.safetensors"},
  };
  for (const auto& entry : std::filesystem::directory_iterator("tests/data")) {
    const std::string model = entry.path().filename().string();
    if (!model.starts_with("bad_")) continue;
    const Ended ended = run("inspect " + entry.path().string());
    EXPECT_EQ(ended.code, 2) << model;
    ASSERT_TRUE(damages.contains(model)) << model;
    EXPECT_THAT(ended.err, AllOf(StartsWith("error: "), HasSubstr(model),
                                 HasSubstr(damages.at(model))));
  }
}

TEST_F(Program, ExplainsInspectsAndPrintsSchemas) {
  EXPECT_THAT(run(std::string("explain ") + kSmoke + " --only variant=broadcast").out,
              HasSubstr("broadcast"));
  const Ended inspected = run(std::string("inspect ") + kModel);
  EXPECT_EQ(inspected.code, 0) << inspected.err;
  EXPECT_THAT(inspected.out, HasSubstr("tied to model.embed_tokens.weight"));
  EXPECT_EQ(Json::parse(run("schema").out)["$schema"], "http://json-schema.org/draft-07/schema#");
  EXPECT_TRUE(Json::accept(run("schema --recipe").out));
  EXPECT_THAT(run("schema --reference").out, HasSubstr("transformers-5.4.0"));
}

TEST_F(Program, ForwardPrintsLogitsOfEachPositionAndGreedyTokens) {
  const std::string arguments =
      std::string("forward --prompt 5,17,42,99,3 --tokens 8 --dtype float32 --model ") + kModel;
  const Json json = Json::parse(run(arguments + " --json").out);
  ASSERT_EQ(json["logits"].size(), 5u);
  EXPECT_GT(json["logits"][0].size(), 5u);
  EXPECT_EQ(json["greedy"].size(), 8u);
  const Ended table = run(arguments);
  EXPECT_EQ(table.code, 0);
  EXPECT_THAT(table.out, HasSubstr("greedy: "));
}

TEST_F(Program, TeachesByExamples) {
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_EQ(run("--version").code, 0);
  for (const char* command :
       {"run", "list", "explain", "memory", "new", "mutate", "inspect", "forward", "schema",
        "doctor"}) {
    const Ended ended = run(std::string(command) + " --help");
    EXPECT_EQ(ended.code, 0) << command;
    EXPECT_THAT(ended.out, HasSubstr("Examples:\n  loadproof " + std::string(command)));
  }
}

TEST_F(Program, ShowsMemoryAndJudgesNothing) {
  const Ended ended = run(std::string("memory ") + kSmoke + " --only variant=5.4.0 --svg " +
                          path("m.svg") + " --json " + path("m.json"));
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out,
              StartsWith(std::string(kSmoke) + "/variant=5.4.0\n  rank 1 died sampling"));
  EXPECT_THAT(ended.out, HasSubstr("\nrank 0, host "));
  EXPECT_THAT(ended.out, HasSubstr("committed\n"));  // the case states no budget
  EXPECT_THAT(ended.out, HasSubstr("\n  node 0 "));
  EXPECT_THAT(ended.out, Not(HasSubstr("\x1b")));
  EXPECT_EQ(testing::WellFormed::check(text_of(path("m.svg"))), "");
  const Json json = Json::parse(text_of(path("m.json")))["cases"];
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["memory"].size(), 2u);
  EXPECT_EQ(json[0]["peaks"].size(), 5u);
  EXPECT_EQ(json[0]["memory"][0]["samples"][0]["after"]["cuda"]["resident"], 0);
  EXPECT_EQ(json[0]["axes"]["variant"], "5.4.0");
}

TEST_F(Program, ShowsMemoryOfTwoLoadersSideBySide) {
  const std::string one = std::string("memory ") + kIncident + " --only size=one-node,variant=";
  const Ended variants = run(one + "zeros-written --against variant=empty --json " +
                             path("m.json") + " --svg " + path("m.svg"));
  EXPECT_EQ(variants.code, 0) << variants.err;
  EXPECT_THAT(variants.out, HasSubstr("other  " + std::string(kIncident) +
                                      "/variant=empty/size=one-node\n"));
  EXPECT_THAT(variants.out, HasSubstr("ranks 1..7, host: tensors"));
  EXPECT_THAT(text_of(path("m.svg")), HasSubstr("class=\"other\" d=\"M"));
  EXPECT_EQ(Json::parse(text_of(path("m.json")))["cases"].size(), 2u);
  const Ended files = run(one + "empty --against " + kSmoke + "/variant=5.6.0");
  EXPECT_EQ(files.code, 0) << files.err;
  EXPECT_THAT(files.out, HasSubstr("ranks 2..7, host"));
  EXPECT_THAT(files.out, HasSubstr("only in other"));
}

TEST_F(Program, ShowsMemoryOfEachCaseButOfThatWhichCannotRun) {
  write("config.json", "{}");
  const std::string file = write("x.yaml",
                                 "about: X.\nmodel: .\nworld: {ranks: 2}\n"
                                 "steps:\n  - alloc: {of: all, as: meta}\n");
  const Ended ended = run("memory " + file + " " + kSmoke + " --svg " + path("m.svg"));
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, StartsWith("error: " + file + ": "));
  EXPECT_THAT(ended.out, HasSubstr("variant=broadcast\n"));
  EXPECT_EQ(testing::WellFormed::check(text_of(path("m.svg"))), "");
}

TEST_F(Program, DoesNotMindAReaderThatGoesAway) {
  const std::string program = shell_word(LOADPROOF_PROGRAM);
  const std::vector<std::string> commands = {"list scenarios", std::string("run ") + kSmoke,
                                             "schema", std::string("inspect ") + kModel,
                                             std::string("memory ") + kSmoke};
  for (const std::string& command : commands) {
    const std::string line = program + " " + command;
    EXPECT_EQ(shell(line + " >&- 2> " + path("err")).code, 0) << command;
    EXPECT_EQ(
        shell("{ " + line + " 2> " + path("err") + "; echo $? > " + path("out") + "; } | true").out,
        "0\n")
        << command;
    EXPECT_EQ(text_of(path("err")), "") << command;
  }
}

TEST_F(Program, AnnotatesInAGithubWorkflow) {
  const std::string file = write("x.yaml",
                                 "about: Nobody writes.\nworld: {ranks: 1}\n"
                                 "tensors:\n  w: {shape: [8], dtype: float32, value: 1}\n"
                                 "steps:\n  - alloc: {of: all, as: empty}\n");
  EXPECT_THAT(run("run " + file, "GITHUB_ACTIONS=true").out, HasSubstr("::error file=" + file));
}

}  // namespace
}  // namespace loadproof::harness
