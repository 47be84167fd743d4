#include "sim/procs/rank_link.h"

namespace loadproof::sim {
namespace {

constexpr std::chrono::milliseconds kBetweenSigns{100};

}  // namespace

Result<Message> RankLink::next() {
  if (!early_.empty()) {
    Message message = std::move(early_.front());
    early_.pop_front();
    return message;
  }
  while (!was_stopped_) {
    const auto frame = link_.receive_within(kBetweenSigns);
    if (!frame) return fail("the coordinator of the ranks is gone: " + frame.error().message);
    tell_waiting();
    if (!*frame) continue;
    Result<Message> message = read_message(**frame);
    if (!message || message->run == run_) {
      if (message) note(*message);
      if (!was_stopped_) return message;
    }
  }
  return fail(why_);
}

void RankLink::note(Message& message) {
  if (message.kind == "given")
    given_[{message.number, message.rank}] = std::move(message.body);
  if (message.kind != "stop") return;
  was_stopped_ = true;
  why_ = message.text;
}

void RankLink::tell_waiting() {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_waiting_ < kBetweenSigns) return;
  told_waiting_ = now;
  static_cast<void>(link_.send(write_message({.kind = "waits", .run = run_, .rank = rank_})));
}

bool RankLink::is_stopped() {
  tell_waiting();
  const bool open = link_.fill();
  for (auto frame = link_.next(); frame && *frame; frame = link_.next()) {
    Result<Message> message = read_message(**frame);
    if (!message || message->run != run_) continue;
    note(*message);
    if (message->kind != "given") early_.push_back(std::move(*message));
  }
  return was_stopped_ || !open;
}

void RankLink::tell_step(const std::string& id) {
  step_ = id;
  // Where it cannot be sent, the next meeting says so.
  static_cast<void>(
      link_.send(write_message({.kind = "step", .run = run_, .rank = rank_, .text = id})));
  pass("");
}

Result<std::vector<StoreNews>> RankLink::begin_turn(int64_t woken_by) {
  const auto sent = link_.send(
      write_message({.kind = "ready", .run = run_, .rank = rank_, .number = woken_by}));
  if (!sent) return tl::make_unexpected(sent.error());
  while (true) {
    const Result<Message> message = next();
    if (!message) return tl::make_unexpected(message.error());
    if (message->kind == "go") return read_news(message->body);
    if (message->kind != "given")
      return fail("the coordinator says \"" + message->kind + "\" to who waits for its turn");
  }
}

Result<std::vector<Meeting>> RankLink::meet(const Turn& turn) {
  const auto sent = link_.send(
      write_message({.kind = "turn", .run = run_, .rank = rank_, .body = write_turn(turn)}));
  if (!sent) return tl::make_unexpected(sent.error());
  pass("waiting");
  while (true) {
    const Result<Message> message = next();
    if (!message) return tl::make_unexpected(message.error());
    if (message->kind == "over") return std::vector<Meeting>();
    if (message->kind == "meet") return read_meetings(message->body);
    if (message->kind != "given")
      return fail("the coordinator says \"" + message->kind + "\" in the midst of a case");
  }
}

Result<void> RankLink::tell_moving(bool moved) {
  const Result<void> sent =
      link_.send(write_message({.kind = moved ? "moved" : "moves", .run = run_, .rank = rank_}));
  pass(moved ? "moved" : "moving");
  return sent;
}

Result<void> RankLink::give(const Meeting& meeting, const Given& given, const OriginTable& origins,
                          const std::vector<int>& to) {
  return link_.send(write_message({.kind = "given",
                                   .run = run_,
                                   .rank = rank_,
                                   .number = meeting.number,
                                   .to = to,
                                   .body = write_given(given, origins)}));
}

Result<Given> RankLink::take(const Meeting& meeting, int from, OriginTable& origins) {
  while (true) {
    if (auto found = given_.extract({meeting.number, from}); !found.empty())
      return read_given(found.mapped(), origins);
    const Result<Message> message = next();
    if (!message) return tl::make_unexpected(message.error());
    if (message->kind != "given")
      return fail("the coordinator says \"" + message->kind + "\" in the midst of a meeting");
  }
}

}  // namespace loadproof::sim
