#include "sim/backends/rendezvous.h"

#include <algorithm>
#include <utility>

#include "sim/backends/compare.h"
#include "sim/backends/wait_graph.h"
#include "sim/backends/watchdog.h"
#include "sim/check.h"

namespace loadproof::sim {

namespace {

int ranks_of(const std::vector<Group>& groups) {
  int last = -1;
  for (const Group& group : groups)
    for (int rank : group.ranks) last = std::max(last, rank);
  return last + 1;
}

}  // namespace

Rendezvous::Rendezvous(std::vector<Group> groups)
    : clocks_(ranks_of(groups)) {
  for (Group& group : groups) add(std::move(group));
}

void Rendezvous::add(Group group) {
  Table& table = tables_.emplace_back();
  table.arrived.resize(group.ranks.size(), 0);
  for (size_t i = 0; i < group.ranks.size(); ++i) {
    const bool is_new = table.position.emplace(group.ranks[i], i).second;
    SIM_CHECK(is_new, "rank {} is in {} twice", group.ranks[i], group.name);
  }
  groups_.push_back(std::move(group));
}

void Rendezvous::arrive(int group, Call call) {
  Table& table = tables_[static_cast<size_t>(group)];
  const auto member = table.position.find(call.rank);
  SIM_CHECK(member != table.position.end(), "rank {} is not in {}", call.rank,
            groups_[static_cast<size_t>(group)].name);
  const int64_t sequence = table.arrived[member->second]++;
  const auto at = static_cast<size_t>(sequence - table.first);
  if (at == table.open.size()) table.open.emplace_back().calls.resize(table.arrived.size());
  Open& open = table.open[at];
  Call& seat = open.calls[member->second];
  seat = std::move(call);
  seat.present = true;
  if (++open.come == open.calls.size()) ready_.emplace_back(group, sequence);
}

std::vector<Meeting> Rendezvous::take_ready() {
  std::vector<Meeting> meetings;
  for (const auto& [group, sequence] : std::exchange(ready_, {})) {
    Table& table = tables_[static_cast<size_t>(group)];
    if (table.broken) continue;
    SIM_CHECK(sequence == table.first, "meeting {} of {} comes before meeting {}", sequence,
              groups_[static_cast<size_t>(group)].name, table.first);
    Meeting& meeting = meetings.emplace_back();
    meeting.group = group;
    meeting.sequence = sequence;
    meeting.calls = std::move(table.open.front().calls);
    compare(meeting);
    if (meeting.moves) watch(meeting, groups_[static_cast<size_t>(group)].name, clocks_);
    if (meeting.moves) {
      table.open.pop_front();
      ++table.first;
      continue;
    }
    table.broken = true;
    table.open.front().calls = meeting.calls;
    table.aborted = meeting.aborted;
    std::sort(table.aborted.begin(), table.aborted.end());
    table.why = std::find_if(meeting.mismatches.begin(), meeting.mismatches.end(),
                             [](const Mismatch& mismatch) { return mismatch.fatal; })->text;
  }
  return meetings;
}

WaitReport Rendezvous::report(std::span<const std::string> whereabouts) const {
  std::vector<Gathering> gatherings;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Table& table = tables_[g];
    if (table.open.empty()) continue;
    Gathering& gathering = gatherings.emplace_back();
    gathering.group = groups_[g].name;
    gathering.sequence = table.first;
    gathering.why = table.why;
    const std::vector<Call>& calls = table.open.front().calls;
    for (size_t i = 0; i < calls.size(); ++i) {
      const int rank = groups_[g].ranks[i];
      const bool aborted = std::binary_search(table.aborted.begin(), table.aborted.end(), rank);
      if (calls[i].present && !aborted) gathering.present.push_back(&calls[i]);
      else gathering.missing.push_back(rank);
    }
  }
  return wait_report(std::move(gatherings), whereabouts);
}

}  // namespace loadproof::sim
