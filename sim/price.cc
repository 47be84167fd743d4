#include "sim/price.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace loadproof::sim {
namespace {

// Hops of the ring of a group, within nodes and between them.
struct Hops {
  int64_t intra = 0, inter = 0;            // from the first member on to the last
  int64_t ring_intra = 0, ring_inter = 0;  // and back to the first
};

Hops hops_of(const std::vector<int>& members, const Topology& topology) {
  Hops hops;
  for (size_t i = 0; i < members.size(); ++i) {
    const bool closes = i + 1 == members.size();
    const int next = members[closes ? 0 : i + 1];
    const bool crosses = topology.node_of(members[i]) != topology.node_of(next);
    ++(crosses ? hops.ring_inter : hops.ring_intra);
    if (!closes) ++(crosses ? hops.inter : hops.intra);
  }
  return hops;
}

// What one meeting of one group moves: over all links of a kind, and over the busiest one.
struct Moved {
  double intra = 0, inter = 0;
  double seconds_intra = 0, seconds_inter = 0;  // those of the two kinds overlap
};

class Pricing {
 public:
  Pricing(std::span<const LoggedRanks> classes, const Topology& topology, const Groups& groups,
          const Links& links)
      : classes_(classes), topology_(topology), groups_(groups), links_(links),
        epochs_(epochs_of(classes)), by_rank_(class_by_rank(classes, topology)),
        nodes_(compositions(by_rank_, topology.nodes,
                            [&](int rank) { return topology.node_of(rank); })) {
    for (const LoggedRanks& one : classes) works_.push_back(summed(one.log).work);
    for (size_t i = 0; i < groups.all().size(); ++i)
      if (const std::vector<int>& ranks = groups.ranks_of(static_cast<int>(i)); !ranks.empty())
        led_[by_rank_[static_cast<size_t>(ranks.front())]].push_back(static_cast<int>(i));
  }

  CostObservation run() {
    add_work();
    add_meetings();
    add_seconds();
    add_reads();
    return std::move(cost_);
  }

 private:
  std::span<const LoggedRanks> classes_;
  const Topology& topology_;
  const Groups& groups_;
  const Links& links_;
  std::vector<std::vector<Epoch>> epochs_;
  std::vector<Work> works_;  // by class: all that one of its ranks does
  std::vector<size_t> by_rank_;
  std::map<Composition, std::vector<int>> nodes_;
  std::map<size_t, std::vector<int>> led_;  // by class of the first member: groups
  CostObservation cost_;
  static constexpr int64_t kUnit = int64_t{1} << 40;  // bytes that `known_` is of
  std::map<std::tuple<Collective, int, int>, Moved> known_;

  double node_seconds(const Composition& ranks, size_t e) const {
    Work sum;
    double longest = 0;
    for (size_t one : ranks) {
      const Work& work = epochs_[one][e].work;
      sum += work;
      longest = std::max(longest, static_cast<double>(work.moved) / links_.host_device +
                                      work.seconds);
    }
    return static_cast<double>(sum.read + sum.saved) / links_.storage +
           static_cast<double>(sum.touched) / links_.memory + longest;
  }

  // What the ranks of a node do together.
  Work work_of(const Composition& ranks) const {
    Work sum;
    for (size_t one : ranks) sum += works_[one];
    return sum;
  }

  void add_work() {
    for (size_t i = 0; i < classes_.size(); ++i) {
      const Work& work = works_[i];
      const auto ranks = static_cast<int64_t>(classes_[i].ranks.size());
      cost_.storage_read.bytes += ranks * work.read;
      cost_.storage_written.bytes += ranks * work.saved;
      cost_.host_memory.bytes += ranks * work.touched;
      cost_.host_device.bytes += ranks * work.moved;
      cost_.host_device.seconds = std::max(
          cost_.host_device.seconds, static_cast<double>(work.moved) / links_.host_device);
      cost_.stated = std::max(cost_.stated, work.seconds);
    }
    for (const auto& node : nodes_) {
      const Work sum = work_of(node.first);
      auto raise = [](CostObservation::Item& item, int64_t bytes, double speed) {
        item.seconds = std::max(item.seconds, static_cast<double>(bytes) / speed);
      };
      raise(cost_.storage_read, sum.read, links_.storage);
      raise(cost_.storage_written, sum.saved, links_.storage);
      raise(cost_.host_memory, sum.touched, links_.memory);
    }
  }

  void add_reads() {
    for (const auto& [ranks, nodes] : nodes_) {
      const Work sum = work_of(ranks);
      CostObservation::Reads reads{.nodes = nodes, .bytes = sum.read, .reads = sum.reads};
      if (reads.reads == 0) continue;
      const auto same = std::ranges::find_if(cost_.reads, [&](const auto& known) {
        return known.bytes == reads.bytes && known.reads == reads.reads;
      });
      if (same == cost_.reads.end())
        cost_.reads.push_back(std::move(reads));
      else
        same->nodes.insert(same->nodes.end(), nodes.begin(), nodes.end());
    }
    for (CostObservation::Reads& one : cost_.reads) std::ranges::sort(one.nodes);
    std::ranges::sort(cost_.reads, {}, [](const auto& one) { return one.nodes.front(); });
  }

  Moved straight(const Meet& meet, const std::vector<int>& members) const {
    Moved moved;
    const auto root = static_cast<size_t>(std::max(0, meet.root));
    const double piece = static_cast<double>(meet.bytes) / static_cast<double>(members.size());
    for (size_t i = 0; i < members.size(); ++i) {
      if (i == root) continue;
      const bool crosses = topology_.node_of(members[i]) != topology_.node_of(members[root]);
      (crosses ? moved.inter : moved.intra) += piece;
    }
    moved.seconds_intra = moved.intra / links_.intra_node;
    moved.seconds_inter = moved.inter / links_.inter_node;
    return moved;
  }

  Moved in_ring(const Meet& meet, const std::vector<int>& members) const {
    const Hops hops = hops_of(members, topology_);
    const auto n = static_cast<double>(members.size());
    const auto bytes = static_cast<double>(meet.bytes);
    const bool gathers = meet.op == Collective::kAllGather;
    const bool reduces = meet.op == Collective::kAllReduce && meet.root < 0;
    const double hop = gathers ? bytes * (n - 1) / n : reduces ? 2 * bytes * (n - 1) / n : bytes;
    const bool closed = gathers || reduces;
    Moved moved{.intra = hop * static_cast<double>(closed ? hops.ring_intra : hops.intra),
                .inter = hop * static_cast<double>(closed ? hops.ring_inter : hops.inter)};
    if (moved.intra > 0) moved.seconds_intra = hop / links_.intra_node;
    if (moved.inter > 0) moved.seconds_inter = hop / links_.inter_node;
    return moved;
  }

  Moved moved_by(const Meet& meet, const std::vector<int>& members) const {
    switch (meet.op) {
      case Collective::kBarrier: return {};
      case Collective::kScatter:
      case Collective::kGather: return straight(meet, members);
      default: return in_ring(meet, members);
    }
  }

  // Of the rank's own group.
  Moved own(const Meet& meet) {
    if (meet.group.empty()) return moved_by(meet, {meet.from, meet.to});
    const auto [found, is_new] = known_.try_emplace({meet.op, meet.index, meet.root});
    if (is_new) found->second = moved_by(unit_of(meet), groups_.ranks_of(meet.index));
    return scaled(found->second, meet.bytes);
  }

  static Meet unit_of(Meet meet) {
    meet.bytes = kUnit;
    return meet;
  }

  static Moved scaled(const Moved& unit, int64_t bytes) {
    const double factor = static_cast<double>(bytes) / static_cast<double>(kUnit);
    return {unit.intra * factor, unit.inter * factor, unit.seconds_intra * factor,
            unit.seconds_inter * factor};
  }

  // Each meeting once, by the class of its group's first member.
  void add_meetings() {
    for (size_t i = 0; i < classes_.size(); ++i) {
      std::map<std::string, std::vector<int>> groups;  // by name
      for (int group : led_[i])
        groups[name_of(group)].push_back(group);
      double intra = 0, inter = 0, seconds_intra = 0, seconds_inter = 0;
      std::map<std::tuple<Collective, std::string, int>, Moved> known;
      for (const Epoch& epoch : classes_[i].log.epochs()) {
        const Meet& meet = epoch.meet;
        if (meet.step < 0) continue;
        const Moved mine = own(meet);
        seconds_intra += mine.seconds_intra;
        seconds_inter += mine.seconds_inter;
        const Moved all = meet.group.empty() ? by_channel(meet, classes_[i])
                                             : by_groups(meet, groups[meet.group], known);
        intra += all.intra;
        inter += all.inter;
      }
      cost_.intra_node.bytes += static_cast<int64_t>(intra);
      cost_.inter_node.bytes += static_cast<int64_t>(inter);
      cost_.intra_node.seconds = std::max(cost_.intra_node.seconds, seconds_intra);
      cost_.inter_node.seconds = std::max(cost_.inter_node.seconds, seconds_inter);
    }
  }

  // Those whose first member the class has, all groups of that name together.
  Moved by_groups(const Meet& meet, const std::vector<int>& groups,
                  std::map<std::tuple<Collective, std::string, int>, Moved>& known) const {
    const auto [found, is_new] = known.try_emplace({meet.op, meet.group, meet.root});
    if (is_new)
      for (int group : groups) {
        const Moved moved = moved_by(unit_of(meet), groups_.ranks_of(group));
        found->second.intra += moved.intra;
        found->second.inter += moved.inter;
      }
    return scaled(found->second, meet.bytes);
  }

  Moved by_channel(const Meet& meet, const LoggedRanks& of) const {
    if (meet.from != of.ranks.front()) return {};  // it receives: the sender counts it
    Moved moved = moved_by(meet, {meet.from, meet.to});
    moved.intra *= static_cast<double>(of.ranks.size());
    moved.inter *= static_cast<double>(of.ranks.size());
    return moved;
  }

  // By name, as the meets tell it.
  std::string name_of(int group) const {
    const int first = groups_.ranks_of(group).front();
    for (const std::string& name : groups_.names())
      if (const auto index = groups_.index_of(name, first); index && *index == group) return name;
    return "";
  }

  void add_seconds() {
    const bool in_step = are_in_step(classes_);
    for (size_t e = 0; e < epochs_[0].size(); ++e) {
      double slowest = 0;
      for (const auto& node : nodes_) slowest = std::max(slowest, node_seconds(node.first, e));
      double meeting = 0;
      for (size_t i = 0; in_step && i < epochs_.size(); ++i)
        if (const Meet& meet = epochs_[i][e].meet; meet.step >= 0) {
          const Moved moved = own(meet);
          meeting = std::max({meeting, moved.seconds_intra, moved.seconds_inter});
        }
      cost_.seconds += slowest + meeting;
    }
    if (!in_step)
      cost_.seconds += std::max(cost_.intra_node.seconds, cost_.inter_node.seconds);
  }
};

}  // namespace

CostObservation price(std::span<const LoggedRanks> classes, const Topology& topology,
                      const Groups& groups, const Links& links) {
  return Pricing(classes, topology, groups, links).run();
}

}  // namespace loadproof::sim
