// Damaged checkpoints end a case before any rank runs, with the file and what is wrong with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/plan.h"
#include "harness/runner.h"

namespace loadproof::harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;

CaseResult run_on(const std::string& model) {
  Overrides overrides;
  overrides.model = "tests/data/" + model;
  overrides.backend = "sim";
  const Plan plan = make_plan({"scenarios/recorded/missing_key.yaml/variant=weight"}, overrides,
                              disk_files());
  EXPECT_THAT(plan.problems, testing::IsEmpty());
  EXPECT_EQ(plan.cases.size(), 1u);
  sim::Session session;
  return run_case(session, plan.cases.at(0), {});
}

TEST(BadCheckpoint, OfAWrongShapeIsAnErrorThatNamesTheTensor) {
  for (const std::string model : {"bad_shape_bf16", "bad_shape_fp32"}) {
    const CaseResult result = run_on(model);
    EXPECT_EQ(result.status, Status::kError);
    EXPECT_THAT(result.error, AllOf(HasSubstr(model), HasSubstr("mlp.up_proj.weight"),
                                    HasSubstr("[48, 32]"), HasSubstr("[64, 32]")));
    EXPECT_TRUE(result.observation.ranks.empty());
  }
}

TEST(BadCheckpoint, CutShortIsAnErrorInTheRealLibrarysWords) {
  const CaseResult result = run_on("bad_truncated_bf16");
  EXPECT_EQ(result.status, Status::kError);
  EXPECT_THAT(result.error, AllOf(HasSubstr("bad_truncated_bf16/model.safetensors"),
                                  HasSubstr("incomplete metadata, file not fully covered")));
}

TEST(BadCheckpoint, WithoutAShardIsAnErrorThatNamesIt) {
  const CaseResult result = run_on("bad_missing_shard_fp32");
  EXPECT_EQ(result.status, Status::kError);
  EXPECT_THAT(result.error, HasSubstr("model-00003-of-00003.safetensors"));
}

// The initialiser draws what the file lacks on the rank that reads, as in the real library.
TEST(BadCheckpoint, ThatLacksAKeyIsInitialisedWithoutAnError) {
  for (const auto& [model, tensor, kind] :
       {std::tuple("bad_missing_key_bf16", ".weight", StateKind::kRandom),
        std::tuple("bad_missing_norm_bf16", "norm", StateKind::kComputed)}) {
    const CaseResult result = run_on(model);
    EXPECT_EQ(result.status, Status::kPass) << testing::PrintToString(result.surprises);
    int initialised = 0;
    for (const TensorObservation& one : judged_point(result.observation.ranks.at(0))->tensors)
      if (one.kind == TensorKind::kParameter && one.state_counts[static_cast<size_t>(kind)] > 0) {
        ++initialised;
        EXPECT_EQ(one.state_counts[static_cast<size_t>(kind)], one.elements);
        EXPECT_THAT(one.name, HasSubstr(tensor));
      }
    EXPECT_EQ(initialised, 1) << model;
  }
}

}  // namespace
}  // namespace loadproof::harness
