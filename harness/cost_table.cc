#include "harness/cost_table.h"

#include <fmt/format.h>

#include "harness/memory_text.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kReadsShown = 6;

std::string seconds_text(double seconds) {
  if (seconds >= 3600) return fmt::format("{:.1f} h", seconds / 3600);
  if (seconds >= 100) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  return seconds >= 1e-3 ? fmt::format("{:.3g} ms", seconds * 1e3)
                         : fmt::format("{:.3g} us", seconds * 1e6);
}

std::string speed_text(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:g} GB/s", bytes / 1e9)
                      : fmt::format("{:g} MB/s", bytes / 1e6);
}

std::string item_line(std::string_view label, const CostObservation::Item& item, double speed,
                      std::string_view per) {
  if (item.bytes == 0) return "";
  return fmt::format("  {:30}{:>12}{:>12}  {} {}\n", label, bytes_text(item.bytes),
                     seconds_text(item.seconds), speed_text(speed), per);
}

std::string reads_text(const CostObservation& cost) {
  std::string text;
  for (size_t i = 0; i < cost.reads.size() && i < kReadsShown; ++i) {
    const CostObservation::Reads& one = cost.reads[i];
    const std::string nodes = one.nodes.size() == 1
                                  ? fmt::format("node {} reads", one.nodes[0])
                                  : fmt::format("{} nodes ({}, …) read, each", one.nodes.size(),
                                                one.nodes[0]);
    text += fmt::format("  {} {} in {}\n", nodes, bytes_text(one.bytes),
                        count_text(one.reads, "read"));
  }
  if (cost.reads.size() > kReadsShown)
    text += fmt::format("  and {} more kinds of nodes\n", cost.reads.size() - kReadsShown);
  return text;
}

}  // namespace

std::string cost_table(const CostObservation& cost, const Links& links) {
  std::string items;
  items += item_line("read from files", cost.storage_read, links.storage, "a node");
  items += item_line("saved into files", cost.storage_written, links.storage, "a node");
  items += item_line("host memory first written", cost.host_memory, links.memory, "a node");
  items += item_line("between host and device", cost.host_device, links.host_device, "a rank");
  items += item_line("between ranks of a node", cost.intra_node, links.intra_node, "a rank");
  items += item_line("between nodes", cost.inter_node, links.inter_node, "a rank");
  if (items.empty() && cost.stated == 0) return "";
  std::string text = fmt::format("\n{:32}{:>12}{:>12}  at\n", "traffic of all ranks", "bytes",
                                 "slowest");
  text += items;
  if (cost.stated > 0)
    text += fmt::format("  {:30}{:>12}{:>12}\n", "delays of steps", "", seconds_text(cost.stated));
  text += reads_text(cost);
  return text + fmt::format("  from the first step to the last, by these speeds: about {}\n",
                            seconds_text(cost.seconds));
}

}  // namespace loadproof::harness
