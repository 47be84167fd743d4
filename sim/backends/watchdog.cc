#include "sim/backends/watchdog.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sim/backends/call_text.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

std::string seconds(double time) { return fmt::format("{:.10g} s", time); }

void end(Meeting& meeting, Mismatch mismatch) {
  meeting.mismatches.push_back(std::move(mismatch));
  meeting.moves = false;
}

Mismatch timeout(const Call& call, int last, const Clocks& clocks) {
  const double arrived = clocks.now(call.rank);
  const std::string_view step = clocks.at_work_in(last, arrived + *call.timeout);
  return {"timeout",
          true,
          fmt::format("rank {} {}: came at {} and gave up after {}, while rank {} was still {} and "
                      "would have come at {}",
                      call.rank, call_in_words(call), seconds(arrived), seconds(*call.timeout),
                      last, step.empty() ? "on its way" : fmt::format("at work in {}", step),
                      seconds(clocks.now(last))),
          {call.rank},
          {call.tensor},
          call.step};
}

Mismatch stall(const Meeting& meeting, std::string_view group) {
  const Call& first = meeting.calls[0];
  const bool agree = meeting.mismatches.empty();
  Mismatch mismatch{
      "transport",
      true,
      fmt::format("all members of group {} have posted meeting {}{}, and none is "
                  "missing, but the transfer never completes: {}",
                  group, meeting.sequence, agree ? " with the same op, size and dtype" : "",
                  call_in_words(first)),
      {},
      {first.tensor},
      first.step};
  for (const Call& call : meeting.calls) mismatch.ranks.push_back(call.rank);
  return mismatch;
}

}  // namespace

void watch(Meeting& meeting, std::string_view group, Clocks& clocks) {
  SIM_CHECK(meeting.moves, "meeting {} of {} is over already", meeting.sequence, group);
  const Call& last = *std::ranges::max_element(
      meeting.calls, {}, [&](const Call& call) { return clocks.now(call.rank); });
  const double time = clocks.now(last.rank);
  for (const Call& call : meeting.calls)
    if (call.timeout && time - clocks.now(call.rank) > *call.timeout)
      end(meeting, timeout(call, last.rank, clocks));
  const bool stalls = std::ranges::any_of(meeting.calls, &Call::stall);
  if (meeting.moves && stalls) end(meeting, stall(meeting, group));
  if (!meeting.moves) return;
  for (const Call& call : meeting.calls) clocks.go_on(call.rank, time);
}

}  // namespace loadproof::sim
