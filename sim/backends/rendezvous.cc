#include "sim/backends/rendezvous.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "sim/check.h"

namespace loadproof::sim {
namespace {

std::string described(const Call& call) {
  std::string what = fmt::format("rank {} in {}: {}", call.rank, call.step_id, name(call.op));
  if (call.op == Collective::kAllReduce) what += fmt::format(" ({})", name(call.reduction));
  if (!call.tensor.empty())
    what += fmt::format(" of {} {} [{}], {} bytes", call.tensor, name(call.dtype), fmt::join(call.shape, ", "), call.bytes);
  if (call.source >= 0) what += fmt::format(", from rank {}", call.source);
  return what;
}

// One way in which a member can differ from the one it is held against.
struct Difference {
  const char* kind;
  bool fatal;
  bool (*differs)(const Call& first, const Call& other);
};

bool sizes_may_differ(const Call& call) { return call.op == Collective::kAllGather || call.op == Collective::kGather; }

// In order of gravity: of two members only the gravest difference is told.
constexpr Difference kDifferences[] = {
    {"op", true, [](const Call& a, const Call& b) { return a.op != b.op || a.reduction != b.reduction; }},
    {"source", true, [](const Call& a, const Call& b) { return a.source != b.source; }},
    {"size", true, [](const Call& a, const Call& b) { return !sizes_may_differ(a) && b.bytes < a.bytes; }},
    {"size", false, [](const Call& a, const Call& b) { return !sizes_may_differ(a) && b.bytes > a.bytes; }},
    {"dtype", false, [](const Call& a, const Call& b) { return a.dtype != b.dtype; }},
    {"name", false, [](const Call& a, const Call& b) { return a.tensor != b.tensor; }},
    {"shape", false, [](const Call& a, const Call& b) { return !sizes_may_differ(a) && a.shape != b.shape; }},
};

const Difference* gravest(const Call& first, const Call& other) {
  for (const Difference& difference : kDifferences)
    if (difference.differs(first, other)) return &difference;
  return nullptr;
}

void note(Meeting& meeting, const Difference& difference, const Call& reference, const Call& other) {
  for (Mismatch& known : meeting.mismatches)
    if (known.kind == difference.kind && known.fatal == difference.fatal && known.tensors[0] == other.tensor) {
      known.ranks.push_back(other.rank);
      return;
    }
  meeting.mismatches.push_back({difference.kind, difference.fatal,
                                fmt::format("members disagree on the {}: {}; {}", difference.kind,
                                            described(reference), described(other)),
                                {other.rank}, {other.tensor}, other.step});
}

// The member that the others are held against: the source, else the first.
const Call& reference_of(const std::vector<Call>& calls) {
  for (const Call& call : calls)
    if (call.rank == calls[0].source) return call;
  return calls[0];
}

void compare(Meeting& meeting) {
  const Call& reference = reference_of(meeting.calls);
  for (const Call& call : meeting.calls) {
    if (&call == &reference) continue;
    const Difference* difference = gravest(reference, call);
    if (!difference) continue;
    note(meeting, *difference, reference, call);
    if (!difference->fatal) continue;
    meeting.moves = false;
    // Only a transport that gets more bytes than it has room for dies; all else waits for ever.
    if (difference->kind == std::string_view("size") && call.op == Collective::kBroadcast)
      meeting.aborted.push_back(call.rank);
  }
}

void make_transfer(Meeting& meeting) {
  const Call& reference = reference_of(meeting.calls);
  meeting.transfer.op = reference.op;
  meeting.transfer.reduction = reference.reduction;
  for (size_t i = 0; i < meeting.calls.size(); ++i) {
    Call& call = meeting.calls[i];
    if (call.rank == reference.source) meeting.transfer.source = static_cast<int>(i);
    meeting.transfer.members.push_back({call.rank, call.in, call.out});
  }
}

}  // namespace

Rendezvous::Rendezvous(std::vector<Group> groups) : groups_(std::move(groups)) {
  for (const Group& group : groups_) {
    State& state = states_.emplace_back();
    state.arrived.resize(group.ranks.size(), 0);
    for (size_t i = 0; i < group.ranks.size(); ++i) state.position.emplace(group.ranks[i], i);
  }
}

void Rendezvous::arrive(int group, Call call) {
  State& state = states_[static_cast<size_t>(group)];
  const auto member = state.position.find(call.rank);
  SIM_CHECK(member != state.position.end(), "rank {} is not in {}", call.rank, groups_[static_cast<size_t>(group)].name);
  const int64_t sequence = state.arrived[member->second]++;
  const auto at = static_cast<size_t>(sequence - state.first);
  if (at == state.open.size()) state.open.emplace_back().calls.resize(state.arrived.size());
  Open& open = state.open[at];
  open.calls[member->second] = std::move(call);
  open.calls[member->second].present = true;
  if (++open.come == state.arrived.size()) ready_.push_back({group, sequence});
}

std::vector<Meeting> Rendezvous::take_ready() {
  std::vector<Meeting> meetings;
  for (const auto& [group, sequence] : std::exchange(ready_, {})) {
    State& state = states_[static_cast<size_t>(group)];
    SIM_CHECK(sequence == state.first, "meeting {} of {} before {}", sequence, groups_[static_cast<size_t>(group)].name, state.first);
    Meeting meeting{.group = group, .sequence = sequence, .calls = std::move(state.open.front().calls)};
    compare(meeting);
    if (meeting.moves) make_transfer(meeting);
    if (!meeting.moves) state.broken = state.broken < 0 ? sequence : state.broken;
    state.open.pop_front();
    ++state.first;
    meetings.push_back(std::move(meeting));
  }
  return meetings;
}

WaitReport Rendezvous::report(std::span<const std::string> whereabouts) const {
  WaitReport report;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const State& state = states_[g];
    if (state.open.empty()) continue;
    const Open& head = state.open.front();
    std::vector<int> missing;
    for (size_t i = 0; i < head.calls.size(); ++i)
      if (!head.calls[i].present) missing.push_back(groups_[g].ranks[i]);
    std::vector<std::string> where;
    for (int rank : missing) where.push_back(fmt::format("rank {} ({})", rank, whereabouts[static_cast<size_t>(rank)]));
    for (const Call& call : head.calls) {
      if (!call.present) continue;
      report.waiting.push_back({call.rank, call.step, std::string(name(call.op)), call.tensor, groups_[g].name, state.first, missing,
                                fmt::format("{} waits for {}", described(call), fmt::join(where, ", "))});
    }
  }
  std::sort(report.waiting.begin(), report.waiting.end(), [](const Waiting& a, const Waiting& b) { return a.rank < b.rank; });
  for (const Waiting& waiting : report.waiting) report.text += waiting.text + "\n";
  return report;
}

}  // namespace loadproof::sim
