#include "harness/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace loadproof::harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

constexpr const char* kSteps =
    "about: A tensor that is allocated.\nworld: {ranks: 1}\n"
    "tensors:\n  w: {shape: [4], dtype: float32, value: 1}\n"
    "steps:\n  - alloc: {id: hold, of: all, as: zeros}\n";

class Plans : public ::testing::Test {
 protected:
  void SetUp() override {
    write("b.yaml", std::string(kSteps) + "sweep: {hold.as: [zeros, empty], seed: [1, 2]}\n");
    write("a/c.yaml", std::string(kSteps) + "sweep: {hold.as: [empty, meta]}\n");
    write("plain.yaml", kSteps);
    write("loaders/recipe.yaml", "not a scenario");
    write("a/models/x.yaml", "not a scenario");
    write("notes.txt", "not a scenario");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(path(name)) << text;
  }
  // Ids without the folder.
  std::vector<std::string> ids(const Plan& plan) const {
    std::vector<std::string> found;
    for (const Case& one : plan.cases) found.push_back(one.id.substr(path("").size()));
    return found;
  }
  Plan plan(const std::vector<std::string>& names, Overrides overrides = {}) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(path(name));
    return make_plan(paths, overrides, disk_files());
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("loadproof_plan_" + std::to_string(getpid()));
};

TEST_F(Plans, TakeTheScenariosBelowAFolderInOrder) {
  auto targets = find_targets(path(""));
  ASSERT_TRUE(targets);
  std::vector<std::string> files;
  for (const Target& target : *targets) files.push_back(target.file);
  EXPECT_THAT(files, ElementsAre(path("a/c.yaml"), path("b.yaml"), path("plain.yaml")));
  EXPECT_THAT(find_targets(path("loaders/nothing")).error().message, HasSubstr("no file, folder"));
  fs::create_directories(path("empty"));
  EXPECT_THAT(find_targets(path("empty")).error().message, HasSubstr("no scenario"));
}

TEST_F(Plans, TakeACaseByItsId) {
  EXPECT_THAT(ids(plan({"b.yaml/hold.as=empty/seed=2"})),
              ElementsAre("b.yaml/hold.as=empty/seed=2"));
  EXPECT_EQ(plan({"b.yaml/hold.as=empty"}).cases.size(), 2u);
  EXPECT_THAT(plan({"b.yaml/nonsense"}).problems, ElementsAre(HasSubstr("is not axis=value")));
  auto targets = find_targets(path("b.yaml/model=../models/x/seed=1"));
  ASSERT_TRUE(targets);
  EXPECT_THAT(targets->front().only,
              ElementsAre(std::pair<std::string, std::string>("model", "../models/x"),
                          std::pair<std::string, std::string>("seed", "1")));
}

TEST_F(Plans, TakeACaseOfAllFillsByItsId) {
  const Plan all = plan({"plain.yaml"}, {.fill = "all"});
  ASSERT_EQ(all.cases.size(), 6u);
  const std::string id = ids(all)[2];
  const Plan one = plan({id});
  ASSERT_THAT(one.problems, IsEmpty());
  ASSERT_EQ(one.cases.size(), 1u);
  EXPECT_EQ(one.cases[0].fill, all.cases[2].fill);
}

TEST_F(Plans, HaveEachCaseOnce) {
  EXPECT_EQ(plan({"plain.yaml", "plain.yaml", "b.yaml/seed=1", "b.yaml"}).cases.size(), 5u);
}

TEST_F(Plans, LeaveOutScenariosWithoutTheAxisAskedFor) {
  EXPECT_THAT(ids(plan({""}, {.only = {{"hold.as", "empty"}}})),
              ElementsAre("a/c.yaml/hold.as=empty", "b.yaml/hold.as=empty/seed=1",
                          "b.yaml/hold.as=empty/seed=2"));
  EXPECT_THAT(ids(plan({""}, {.only = {{"hold.as", "meta"}, {"hold.as", "zeros"}, {"seed", "2"}}})),
              ElementsAre("b.yaml/hold.as=zeros/seed=2"));
  EXPECT_THAT(plan({""}, {.only = {{"nothing", "1"}}}).problems,
              ElementsAre(HasSubstr("no case is selected")));
  EXPECT_THAT(plan({"plain.yaml"}, {.only = {{"hold.as", "meta"}}}).problems,
              ElementsAre(HasSubstr("no axis \"hold.as\"")));
}

TEST_F(Plans, HaveNoCasesAsLongAsAnythingIsWrong) {
  write("broken.yaml", "steps: [");
  const Plan broken = plan({"", "absent.yaml"});
  EXPECT_THAT(broken.cases, IsEmpty());
  ASSERT_EQ(broken.problems.size(), 2u);
  EXPECT_THAT(broken.problems[0], HasSubstr("absent.yaml"));
  EXPECT_THAT(broken.problems[1], HasSubstr("broken.yaml:"));
}

TEST_F(Plans, SuggestTheFileThatWasMeant) {
  EXPECT_THAT(plan({"plian.yaml"}).problems, ElementsAre(HasSubstr("did you mean \"plain.yaml\"")));
}

}  // namespace
}  // namespace loadproof::harness
