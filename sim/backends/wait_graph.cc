#include "sim/backends/wait_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "sim/backends/call_text.h"

namespace loadproof::sim {
namespace {

constexpr size_t kNowhere = static_cast<size_t>(-1);

class Graph {
 public:
  Graph(std::vector<Gathering> gatherings, std::span<const std::string> whereabouts)
      : gatherings_(std::move(gatherings)), whereabouts_(whereabouts) {
    for (size_t g = 0; g < gatherings_.size(); ++g) {
      std::sort(gatherings_[g].missing.begin(), gatherings_[g].missing.end());
      for (const Call* call : gatherings_[g].present) seats_[call->rank].push_back({g, call});
    }
  }

  WaitReport report() const {
    WaitReport report;
    for (const Gathering& gathering : gatherings_) tell(gathering, report);
    std::stable_sort(report.waiting.begin(), report.waiting.end(),
                     [](const Waiting& a, const Waiting& b) { return a.rank < b.rank; });
    tell_cycles(report.text);
    return report;
  }

 private:
  struct Seat {
    size_t gathering;
    const Call* call;
  };
  // A gathering waits for another because this rank, missing here, sits there.
  struct Edge {
    size_t to;
    int rank;
  };

  // Equal words of several ranks are said once, in the order of the lowest rank of each.
  static std::string said_once(const std::vector<std::pair<int, std::string>>& said,
                               std::string_view format_open, std::string_view format_close) {
    std::map<std::string_view, size_t> index;
    std::vector<std::pair<std::string_view, std::vector<int>>> merged;
    for (const auto& [rank, words] : said) {
      const auto [known, is_new] = index.emplace(words, merged.size());
      if (is_new) merged.push_back({words, {}});
      merged[known->second].second.push_back(rank);
    }
    std::string text;
    for (auto& [words, ranks] : merged) {
      std::sort(ranks.begin(), ranks.end());
      text += fmt::format("{}{}{}{}{}", text.empty() ? "" : "; ", ranks_in_words(ranks),
                          format_open, words, format_close);
    }
    return text;
  }

  std::string whereabouts(int rank) const {
    const auto seat = seats_.find(rank);
    if (seat != seats_.end()) {
      const Seat& first = seat->second.front();
      const Gathering& there = gatherings_[first.gathering];
      return fmt::format("waits in group {}, meeting {}, {}", there.group, there.sequence,
                         call_in_words(*first.call));
    }
    const auto index = static_cast<size_t>(rank);
    return index < whereabouts_.size() ? whereabouts_[index] : "has not come";
  }

  // What the members that are there wait for.
  std::string reason(const Gathering& gathering) const {
    std::vector<std::pair<int, std::string>> missing;
    for (int rank : gathering.missing) missing.emplace_back(rank, whereabouts(rank));
    const std::string words = said_once(missing, " (", ")");
    if (gathering.why.empty()) return fmt::format("waits for {}", words);
    return fmt::format("can't go on{}, because {}", words.empty() ? "" : " without " + words,
                       gathering.why);
  }

  void tell(const Gathering& gathering, WaitReport& report) const {
    if (gathering.present.empty()) return;
    const std::string why = reason(gathering);
    std::vector<std::pair<int, std::string>> present;
    for (const Call* call : gathering.present) {
      present.emplace_back(call->rank, call_in_words(*call));
      report.waiting.push_back({call->rank, call->step, std::string(name(call->op)), call->tensor,
                                gathering.group, gathering.sequence, gathering.missing,
                                fmt::format("rank {} {}: {}", call->rank, present.back().second,
                                            why)});
    }
    report.text += fmt::format("group {}, meeting {}: {}: {}\n", gathering.group,
                               gathering.sequence, said_once(present, " ", ""), why);
  }

  // One edge to each other gathering is enough to close a cycle.
  std::vector<Edge> edges(size_t from) const {
    std::vector<Edge> found;
    std::set<size_t> known;
    for (int rank : gatherings_[from].missing) {
      const auto seats = seats_.find(rank);
      if (seats == seats_.end()) continue;
      for (const Seat& seat : seats->second)
        if (known.insert(seat.gathering).second) found.push_back({seat.gathering, rank});
    }
    return found;
  }

  // A depth-first walk; an edge back into the path closes a cycle. Every knot of gatherings that
  // wait for each other is told by at least one of its cycles.
  void tell_cycles(std::string& text) const {
    std::vector<size_t> place(gatherings_.size(), kNowhere);  // in the path
    std::vector<bool> seen(gatherings_.size(), false);
    struct Visit {
      size_t gathering;
      std::vector<Edge> edges;
      size_t next = 0;
    };
    for (size_t root = 0; root < gatherings_.size(); ++root) {
      if (seen[root]) continue;
      std::vector<Visit> path;
      const auto enter = [&](size_t gathering) {
        seen[gathering] = true;
        place[gathering] = path.size();
        path.push_back({gathering, edges(gathering)});
      };
      for (enter(root); !path.empty();) {
        Visit& visit = path.back();
        if (visit.next == visit.edges.size()) {
          place[visit.gathering] = kNowhere;
          path.pop_back();
          continue;
        }
        const Edge edge = visit.edges[visit.next++];
        if (place[edge.to] != kNowhere) {
          text += "cycle: ";
          text += sitting(edge.rank, edge.to);
          for (size_t i = place[edge.to]; i + 1 < path.size(); ++i)
            text += sitting(path[i].edges[path[i].next - 1].rank, path[i + 1].gathering);
          text += fmt::format("rank {}\n", edge.rank);
        } else if (!seen[edge.to]) {
          enter(edge.to);
        }
      }
    }
  }

  std::string sitting(int rank, size_t gathering) const {
    const std::vector<Seat>& seats = seats_.at(rank);
    const auto seat = std::find_if(seats.begin(), seats.end(),
                                   [&](const Seat& each) { return each.gathering == gathering; });
    return fmt::format("rank {} in group {}, meeting {}, at {}{}{}, waits for ", rank,
                       gatherings_[gathering].group, gatherings_[gathering].sequence,
                       seat->call->step_id, seat->call->tensor.empty() ? "" : " of ",
                       seat->call->tensor);
  }

  std::vector<Gathering> gatherings_;
  std::span<const std::string> whereabouts_;
  std::map<int, std::vector<Seat>> seats_;  // of each rank that waits, by gathering
};

}  // namespace

WaitReport wait_report(std::vector<Gathering> gatherings,
                       std::span<const std::string> whereabouts) {
  return Graph(std::move(gatherings), whereabouts).report();
}

}  // namespace loadproof::sim
