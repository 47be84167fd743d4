// Where a test ends a rank, as a variable says it.
#include "harness/end_at.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace loadproof::harness {
namespace {

Result<std::optional<EndAt>> read(std::optional<std::string> text) {
  return read_end_at([&](std::string_view name) {
    return name == "LOADPROOF_END_AT" ? text : std::nullopt;
  });
}

TEST(EndAt, ReadsWhereAndHow) {
  EXPECT_EQ(*read(std::nullopt), std::nullopt);
  EXPECT_EQ(*read("2"), (EndAt{.rank = 2, .step = "", .moment = ""}));
  EXPECT_EQ(*read("2:stop"),
            (EndAt{.rank = 2, .step = "", .moment = "", .how = EndAt::How::kStops}));
  EXPECT_EQ(*read("0:load.read"), (EndAt{.rank = 0, .step = "load.read", .moment = ""}));
  EXPECT_EQ(*read("1:a:moving:hang"),
            (EndAt{.rank = 1, .step = "a", .moment = "moving", .how = EndAt::How::kHangs}));
}

TEST(EndAt, SaysWhatItDoesNotKnow) {
  for (const char* text : {"", "x", "-1", "1:a:later", "1:a:moving:stop:b", "1x:a"})
    EXPECT_FALSE(read(text)) << text;
}

TEST(EndAt, EndsOnlyThere) {
  const EndAt end{.rank = 1, .step = "a", .moment = "moving"};
  end_where(std::nullopt, 1, "a", "moving");
  end_where(end, 0, "a", "moving");
  end_where(end, 1, "b", "moving");
  end_where(end, 1, "a", "");
  EXPECT_EXIT(end_where(end, 1, "a", "moving"), ::testing::KilledBySignal(SIGKILL), "");
}

}  // namespace
}  // namespace loadproof::harness
