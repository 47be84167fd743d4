#include "sim/price.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace loadproof::sim {
namespace {

using Holder = PeakObservation::Holder;
// Indices of classes, ascending, one for each rank.
using Composition = std::vector<size_t>;

std::vector<size_t> class_by_rank(std::span<const LoggedRanks> classes, const Topology& topology) {
  std::vector<size_t> by_rank(static_cast<size_t>(topology.ranks()));
  for (size_t i = 0; i < classes.size(); ++i)
    for (int rank : classes[i].ranks) by_rank[static_cast<size_t>(rank)] = i;
  return by_rank;
}

// Holders by what their ranks are: those with equal compositions are alike.
std::map<Composition, std::vector<int>> compositions(const std::vector<size_t>& by_rank,
                                                     int holders, auto holder_of) {
  std::vector<Composition> all(static_cast<size_t>(holders));
  for (size_t rank = 0; rank < by_rank.size(); ++rank)
    all[static_cast<size_t>(holder_of(static_cast<int>(rank)))].push_back(by_rank[rank]);
  std::map<Composition, std::vector<int>> alike;
  for (size_t holder = 0; holder < all.size(); ++holder) {
    std::ranges::sort(all[holder]);
    alike[all[holder]].push_back(static_cast<int>(holder));
  }
  return alike;
}

// Whether what happens between two meetings can be set side by side.
bool are_in_step(std::span<const LoggedRanks> classes) {
  return std::ranges::all_of(classes, [&](const LoggedRanks& one) {
    return one.log.epochs().size() == classes.front().log.epochs().size();
  });
}

// All of a rank's epochs as one: the most that it ever holds, all that it does.
Epoch summed(const CostLog& log) {
  Epoch all;
  for (const Epoch& epoch : log.epochs()) {
    all.work += epoch.work;
    for (Device device : {Device::kCpu, Device::kCuda}) {
      MemoryUse& most = all.most[device];
      if (epoch.most[device].resident > most.resident) {
        all.step_of_most[device] = epoch.step_of_most[device];
        all.step_of_growth[device] = epoch.step_of_growth[device];
      }
      most.resident = std::max(most.resident, epoch.most[device].resident);
      most.reserved = std::max(most.reserved, epoch.most[device].reserved);
    }
  }
  return all;
}

// By class, then by epoch.
std::vector<std::vector<Epoch>> epochs_of(std::span<const LoggedRanks> classes) {
  const bool in_step = are_in_step(classes);
  std::vector<std::vector<Epoch>> epochs;
  for (const LoggedRanks& one : classes)
    epochs.push_back(in_step ? one.log.epochs() : std::vector{summed(one.log)});
  return epochs;
}

// The peak of a holder whose ranks are of these classes.
PeakObservation peak_of(const std::vector<std::vector<Epoch>>& epochs, const Composition& ranks,
                        Device device, std::span<const LoggedRanks> classes) {
  PeakObservation peak;
  for (size_t e = 0; !ranks.empty() && e < epochs[ranks[0]].size(); ++e) {
    MemoryUse now;
    std::map<size_t, int64_t> shares;  // by class
    for (size_t one : ranks) {
      now += epochs[one][e].most[device];
      shares[one] += epochs[one][e].most[device].resident;
    }
    if (now.resident <= peak.resident && now.reserved <= peak.reserved) continue;
    const size_t largest =
        std::ranges::max_element(shares, {}, [](const auto& share) { return share.second; })->first;
    const int32_t step = epochs[largest][e].step_of_most[device];
    const int32_t grown = epochs[largest][e].step_of_growth[device];
    const int rank = classes[largest].ranks.front();
    peak.reserved = std::max(peak.reserved, now.reserved);
    if (now.resident > peak.resident) {
      peak.resident = now.resident;
      peak.step = step;
      peak.rank = rank;
    }
    if (peak.rises.empty() || peak.rises.back().step != grown)
      peak.rises.push_back({.step = grown, .rank = rank, .to = {}});
    peak.rises.back().to = {peak.resident, peak.reserved};
  }
  return peak;
}

// Hops of the rings of several groups, by the number of their members.
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
  std::vector<size_t> by_rank_;
  std::map<Composition, std::vector<int>> nodes_;
  std::map<size_t, std::vector<int>> led_;  // by class of the first member: groups
  CostObservation cost_;

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

  void add_work() {
    std::vector<Work> all;
    for (const LoggedRanks& one : classes_) {
      const Work& work = all.emplace_back(summed(one.log).work);
      const auto ranks = static_cast<int64_t>(one.ranks.size());
      cost_.storage_read.bytes += ranks * work.read;
      cost_.storage_written.bytes += ranks * work.saved;
      cost_.host_memory.bytes += ranks * work.touched;
      cost_.host_device.bytes += ranks * work.moved;
      cost_.host_device.seconds = std::max(
          cost_.host_device.seconds, static_cast<double>(work.moved) / links_.host_device);
      cost_.stated = std::max(cost_.stated, work.seconds);
    }
    for (const auto& node : nodes_) {
      Work sum;
      for (size_t one : node.first) sum += all[one];
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
      CostObservation::Reads reads{.nodes = nodes};
      for (size_t one : ranks) {
        const Work work = summed(classes_[one].log).work;
        reads.bytes += work.read;
        reads.reads += work.reads;
      }
      if (reads.reads > 0) cost_.reads.push_back(std::move(reads));
    }
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
      case Collective::kSend: return in_ring(meet, members);
      default: return in_ring(meet, members);
    }
  }

  Moved own(const Meet& meet) const {
    if (meet.group.empty()) return moved_by(meet, {meet.from, meet.to});
    return moved_by(meet, groups_.ranks_of(meet.index));
  }

  // Each meeting once, by the class of its group's first member.
  void add_meetings() {
    for (size_t i = 0; i < classes_.size(); ++i) {
      std::map<std::string, std::vector<int>> groups;  // by name
      for (int group : led_[i])
        groups[name_of(group)].push_back(group);
      double intra = 0, inter = 0, seconds_intra = 0, seconds_inter = 0;
      std::map<std::string, Moved> known;  // of one byte, by operation, group and root
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
                  std::map<std::string, Moved>& known) const {
    const std::string key = fmt::format("{} {} {}", static_cast<int>(meet.op), meet.group,
                                        meet.root);
    const auto [found, is_new] = known.try_emplace(key);
    if (is_new) {
      Meet one = meet;
      one.bytes = int64_t{1} << 40;
      for (int group : groups) {
        const Moved moved = moved_by(one, groups_.ranks_of(group));
        found->second.intra += moved.intra / static_cast<double>(one.bytes);
        found->second.inter += moved.inter / static_cast<double>(one.bytes);
      }
    }
    const auto bytes = static_cast<double>(meet.bytes);
    return {.intra = found->second.intra * bytes, .inter = found->second.inter * bytes};
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
    for (const std::string& name : groups_.names())
      for (int rank : {groups_.ranks_of(group).front()})
        if (const auto index = groups_.index_of(name, rank); index && *index == group) return name;
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

// The collectives of one group that a class comes to, in order.
std::vector<const Meet*> meets_in(const CostLog& log, const std::string& group) {
  std::vector<const Meet*> meets;
  for (const Epoch& epoch : log.epochs())
    if (epoch.meet.step >= 0 && epoch.meet.group == group) meets.push_back(&epoch.meet);
  return meets;
}

std::string told(const Meet& meet) {
  return meet.tensor.empty() ? std::string(name(meet.op))
                             : fmt::format("{} of {}, {} bytes", name(meet.op), meet.tensor,
                                           meet.bytes);
}

// How two calls differ, in one of the words of no_hang; empty: they do not.
std::string difference(const Meet& a, const Meet& b) {
  if (a.op != b.op) return "op";
  if (a.root != b.root) return "source";
  if (a.bytes != b.bytes) return "size";
  return a.tensor != b.tensor && !a.match_bytes ? "name" : "";
}

void compare(const LoggedRanks& a, const LoggedRanks& b, const std::string& group,
             std::vector<MismatchObservation>& found) {
  const auto ours = meets_in(a.log, group), theirs = meets_in(b.log, group);
  const int rank = a.ranks.front(), other = b.ranks.front();
  for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    const std::string kind = difference(*ours[i], *theirs[i]);
    if (kind.empty()) continue;
    found.push_back({.kind = kind,
                     .fatal = kind != "name",
                     .text = fmt::format("collective {} of {}: rank {} comes to {}, and rank {} to "
                                         "{}", i + 1, group, rank, told(*ours[i]), other,
                                         told(*theirs[i])),
                     .ranks = {other},
                     .tensors = {theirs[i]->tensor},
                     .step = theirs[i]->step});
    return;
  }
  if (ours.size() == theirs.size()) return;
  const auto& more = ours.size() > theirs.size() ? ours : theirs;
  const bool fewer = ours.size() > theirs.size();
  const Meet& missed = *more[std::min(ours.size(), theirs.size())];
  found.push_back({.kind = "missing",
                   .fatal = true,
                   .text = fmt::format("rank {} never comes to {} in {}, where rank {} waits",
                                       fewer ? other : rank, told(missed), group,
                                       fewer ? rank : other),
                   .ranks = {fewer ? other : rank},
                   .tensors = {missed.tensor},
                   .step = missed.step});
}

}  // namespace

std::vector<PeakObservation> peaks_of(std::span<const LoggedRanks> classes,
                                      const Topology& topology) {
  const auto epochs = epochs_of(classes);
  const auto by_rank = class_by_rank(classes, topology);
  std::vector<PeakObservation> peaks;
  auto add = [&](Holder holder, Device device, int holders, auto holder_of) {
    const size_t first = peaks.size();
    for (const auto& [ranks, alike] : compositions(by_rank, holders, holder_of)) {
      PeakObservation peak = peak_of(epochs, ranks, device, classes);
      peak.holder = holder;
      peak.index = alike.front();
      peak.alike = alike;
      peaks.push_back(std::move(peak));
    }
    std::sort(peaks.begin() + static_cast<std::ptrdiff_t>(first), peaks.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
  };
  add(Holder::kRank, Device::kCpu, topology.ranks(), [](int rank) { return rank; });
  add(Holder::kNode, Device::kCpu, topology.nodes,
      [&](int rank) { return topology.node_of(rank); });
  add(Holder::kDevice, Device::kCuda, topology.devices(),
      [&](int rank) { return topology.device_of(rank); });
  return peaks;
}

CostObservation price(std::span<const LoggedRanks> classes, const Topology& topology,
                      const Groups& groups, const Links& links) {
  return Pricing(classes, topology, groups, links).run();
}

std::vector<MismatchObservation> disagreements(std::span<const LoggedRanks> classes,
                                               const Topology& topology, const Groups& groups) {
  const auto by_rank = class_by_rank(classes, topology);
  std::vector<MismatchObservation> found;
  for (const std::string& name : groups.names()) {
    std::set<std::pair<size_t, size_t>> compared;
    for (int rank = 0; rank < topology.ranks(); ++rank) {
      const auto group = groups.index_of(name, rank);
      if (!group) continue;
      const size_t first = by_rank[static_cast<size_t>(groups.ranks_of(*group).front())];
      const size_t own = by_rank[static_cast<size_t>(rank)];
      if (first != own && compared.emplace(first, own).second)
        compare(classes[first], classes[own], name, found);
    }
  }
  return found;
}

}  // namespace loadproof::sim
