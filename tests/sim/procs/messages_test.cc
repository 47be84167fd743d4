// What processes tell each other comes out as it went in.
#include "sim/procs/messages.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace loadproof::sim {
namespace {

Call call_with_everything() {
  Call call;
  call.op = Collective::kAllReduce;
  call.rank = 3;
  call.step = 7;
  call.step_id = "sum";
  call.tensor = "layers.0.weight";
  call.dtype = DType::kBFloat16;
  call.shape = {4, 2};
  call.bytes = 16;
  call.source = 2;
  call.reduction = Reduction::kMax;
  call.match_bytes = call.stall = true;
  call.timeout = 0.1;
  call.tag = 11;
  call.out = {at::empty({4, 2}, at::kBFloat16)};
  return call;
}

void expect_equal(const Call& one, const Call& other) {
  EXPECT_EQ(one.op, other.op);
  EXPECT_EQ(one.rank, other.rank);
  EXPECT_EQ(one.step, other.step);
  EXPECT_EQ(one.step_id, other.step_id);
  EXPECT_EQ(one.tensor, other.tensor);
  EXPECT_EQ(one.dtype, other.dtype);
  EXPECT_EQ(one.shape, other.shape);
  EXPECT_EQ(one.bytes, other.bytes);
  EXPECT_EQ(one.source, other.source);
  EXPECT_EQ(one.reduction, other.reduction);
  EXPECT_EQ(one.match_bytes, other.match_bytes);
  EXPECT_EQ(one.truncates, other.truncates);
  EXPECT_EQ(one.stall, other.stall);
  EXPECT_EQ(one.async, other.async);
  EXPECT_EQ(one.timeout, other.timeout);
  EXPECT_EQ(one.tag, other.tag);
}

TEST(Messages, KeepTheirBodyAsItIs) {
  const Message sent{.kind = "given", .run = 4, .rank = 1, .number = 9, .to = {0, 2},
                     .text = "why\n\"so\"", .body = "{\"a\":1}\nand more"};
  const Result<Message> read = read_message(write_message(sent));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, "given");
  EXPECT_EQ(read->run, 4);
  EXPECT_EQ(read->rank, 1);
  EXPECT_EQ(read->number, 9);
  EXPECT_EQ(read->to, (std::vector<int>{0, 2}));
  EXPECT_EQ(read->text, sent.text);
  EXPECT_EQ(read->body, sent.body);
}

TEST(Messages, SayWhatIsNone) {
  for (const char* frame : {"", "{", "[]", "{\"kind\":3,\"run\":1}", "{\"kind\":\"turn\"}"})
    EXPECT_TRUE(read_message(frame).error().message.starts_with(
        "a message of another process cannot be read"))
        << frame;
}

TEST(Messages, TellATurn) {
  Turn turn{.woken_by = 5, .events = {}, .vacuous = {}, .whereabouts = "waiting", .stopped = true};
  turn.events.emplace_back(Working{0.25, "slow"});
  turn.events.emplace_back(Posting{.group = -1, .channel = std::pair(2, 0),
                                   .call = call_with_everything()});
  turn.changed = {{.store = "out", .copy = 3}};
  turn.held.push_back({.meeting = 6, .met = true, .use = {}, .step = 2});
  turn.held[0].use[Device::kCuda] = {8, 16};
  turn.vacuous.push_back({2, {3}, "param", "nothing_read", "a text", {"w"}});
  const Result<Turn> read = read_turn(write_turn(turn));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->woken_by, 5);
  EXPECT_EQ(read->whereabouts, "waiting");
  EXPECT_TRUE(read->stopped);
  EXPECT_EQ(read->vacuous, turn.vacuous);
  ASSERT_EQ(read->changed.size(), 1u);
  EXPECT_EQ(read->changed[0].store, "out");
  EXPECT_EQ(read->changed[0].copy, 3);
  ASSERT_EQ(read->held.size(), 1u);
  EXPECT_EQ(read->held[0].meeting, 6);
  EXPECT_TRUE(read->held[0].met);
  EXPECT_EQ(read->held[0].use[Device::kCuda], (MemoryUse{8, 16}));
  EXPECT_EQ(read->held[0].step, 2);
  ASSERT_EQ(read->events.size(), 2u);
  EXPECT_EQ(std::get<Working>(read->events[0]).seconds, 0.25);
  EXPECT_EQ(std::get<Working>(read->events[0]).step, "slow");
  const Posting& posting = std::get<Posting>(read->events[1]);
  EXPECT_EQ(posting.channel, (std::pair(2, 0)));
  expect_equal(posting.call, call_with_everything());
}

TEST(Messages, TellSizesAndTypesOfTensorsAndNoBytes) {
  Turn turn;
  turn.events.emplace_back(Posting{.group = 0, .channel = {}, .call = call_with_everything()});
  const Turn read = *read_turn(write_turn(turn));
  const Call& call = std::get<Posting>(read.events[0]).call;
  ASSERT_EQ(call.out.size(), 1u);
  EXPECT_TRUE(call.out[0].is_meta());
  EXPECT_EQ(call.out[0].nbytes(), 16u);
  EXPECT_EQ(call.out[0].scalar_type(), at::kBFloat16);
}

TEST(Messages, TellMeetings) {
  Meeting meeting{.group = 2, .sequence = 8, .number = 40, .calls = {call_with_everything()},
                  .mismatches = {}, .aborted = {3}, .moves = false, .transfer = {}};
  const auto read = read_meetings(write_meetings({&meeting}));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read->front().group, 2);
  EXPECT_EQ(read->front().sequence, 8);
  EXPECT_EQ(read->front().number, 40);
  EXPECT_EQ(read->front().aborted, std::vector<int>{3});
  EXPECT_FALSE(read->front().moves);
  expect_equal(read->front().calls.at(0), call_with_everything());
}

// The tables of two processes number the same events otherwise.
TEST(Messages, TellStatesWithAllTheirHistory) {
  OriginTable here, there;
  const OriginId file = here.add({.kind = StateKind::kLoaded, .rank = 0, .step = 1,
                                  .item_size = 2, .what = "k", .file = "f"});
  const OriginId received = here.add({.kind = StateKind::kReceived, .rank = 0, .step = 2,
                                      .parent = file, .item_size = 2, .what = "w"});
  const OriginId poison = here.add({.kind = StateKind::kUndefined, .rank = 1, .step = 0});
  there.add({.kind = StateKind::kRandom, .rank = 9});
  const OriginId known = there.add(here.at(poison));
  Given given{.states = StateMap(16, {poison, 0}), .broken = {}, .level = {}};
  given.states.write(4, 8, {received, 4});
  given.states.write(8, 10, {kNoOrigin, 0});
  const Result<Given> read = read_given(write_given(given, here), there);
  ASSERT_TRUE(read);
  const std::vector<Interval>& cells = read->states.intervals();
  ASSERT_EQ(cells.size(), 4u);
  EXPECT_EQ(cells[0], (Interval{0, 4, {known, 0}}));
  EXPECT_EQ(cells[1].cell.offset, 4);
  EXPECT_EQ(there.at(cells[1].cell.origin).what, "w");
  EXPECT_EQ(there.at(there.at(cells[1].cell.origin).parent), here.at(file));
  EXPECT_EQ(cells[2].cell.origin, kNoOrigin);
  EXPECT_FALSE(read->broken.defined());
  EXPECT_FALSE(read->level);
}

TEST(Messages, TellWhichElementsAreNoFiniteNumbersAndHowASourceCuts) {
  OriginTable origins;
  for (const std::vector<bool>& broken : {std::vector<bool>{}, {true}, {false, false},
                                          {true, false, false, true, true}}) {
    Given given;
    given.broken = at::empty({static_cast<int64_t>(broken.size())}, at::kBool);
    for (size_t i = 0; i < broken.size(); ++i)
      given.broken.mutable_data_ptr<bool>()[i] = broken[i];
    given.level = Shard::Level{.cut = {.rule = CutRule::kPacked, .dim = 1, .sections = {2, 3}},
                               .group = "tp", .shape = {4, 5}, .layout = {}};
    const Given read = *read_given(write_given(given, origins), origins);
    ASSERT_EQ(read.broken.numel(), static_cast<int64_t>(broken.size()));
    for (size_t i = 0; i < broken.size(); ++i)
      EXPECT_EQ(read.broken.const_data_ptr<bool>()[i], broken[i]);
    EXPECT_EQ(read.level->cut, given.level->cut);
    EXPECT_EQ(read.level->group, "tp");
    EXPECT_EQ(read.level->shape, given.level->shape);
  }
}

}  // namespace
}  // namespace loadproof::sim
