#include "harness/memory_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/cost_table.h"
#include "harness/memory_text.h"
#include "harness/standing.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kLabelMost = 45;
constexpr size_t kNumber = 12;  // of a column of bytes

// Of the first column of all tables of a case, so that they stand alike.
struct Layout {
  size_t label = 0;
  bool committed = false;
};

std::string turns_text(const StepRow& row) {
  return row.turns > 1 ? fmt::format(", {} turns", row.turns) : "";
}

std::string row_label(const MemoryView& view, const StepRow& row, size_t width) {
  const std::string turns = turns_text(row);
  return label_text(view, row.step, width - turns.size()) + turns;
}

std::vector<Device> devices_of(const MemoryObservation& group) {
  std::vector<Device> used;
  for (Device device : {Device::kCpu, Device::kCuda})
    if (is_used(group, device)) used.push_back(device);
  return used;
}

Layout layout_of(const MemoryView& view, const std::vector<size_t>& shown) {
  Layout layout;
  auto take = [&](const std::string& text) {
    layout.label = std::clamp(characters_of(text), layout.label, kLabelMost);
  };
  for (size_t i : shown) {
    const MemoryObservation& group = view.groups[i];
    for (Device device : devices_of(group)) {
      take(group_text(group.ranks, device).substr(2));
      for (const StepRow& row : step_rows(group, device)) {
        take(row_label(view, row, kLabelMost));
        layout.committed = layout.committed || row.committed >= 0;
      }
    }
  }
  return layout;
}

std::string head(const std::string& title, const Layout& layout, bool committed,
                 const Paint& paint) {
  const size_t width = layout.label + 2;
  std::string text = fmt::format("{:>{}}{:>{}}{:>{}}", "resident", kNumber, "reserved", kNumber,
                                 "most within", kNumber);
  if (committed) text += fmt::format("{:>{}}", "committed", kNumber);
  const std::string name = shortened(title, width);
  return paint.heading(name) + std::string(width - characters_of(name), ' ') + text + "\n";
}

std::string step_line(const MemoryView& view, const StepRow& row, const Layout& layout,
                      bool committed, bool peak, const Paint& paint) {
  std::string text =
      fmt::format("  {:{}}{:>{}}{:>{}}{:>{}}", row_label(view, row, layout.label), layout.label,
                  bytes_text(row.after.resident), kNumber, bytes_text(row.after.reserved), kNumber,
                  bytes_text(row.most.resident), kNumber);
  if (committed)
    text += fmt::format("{:>{}}", row.committed < 0 ? "" : bytes_text(row.committed), kNumber);
  return peak ? paint.mark(text + " peak") + "\n" : line(std::move(text));
}

std::string more_text(const std::vector<Pile>& piles) {
  MemoryUse bytes;
  size_t count = 0;
  for (size_t i = kPilesShown; i < piles.size(); ++i) {
    count += piles[i].count;
    bytes += piles[i].all();
  }
  return count == 0 ? "" : fmt::format("    and {} more, {}\n", count, use_text(bytes));
}

std::string unneeded_text(const std::vector<Standing>& standing) {
  MemoryUse bytes;
  int64_t count = 0;
  for (const Standing& one : standing) {
    if (one.needed) continue;
    bytes += one.bytes;
    ++count;
  }
  if (count == 0) return "";
  return fmt::format("    no longer needed: {} in {}\n", use_text(bytes),
                     count_text(count, "tensor"));
}

std::string standing_text(const MemoryPeak& peak, const Paint& paint) {
  std::string text = fmt::format("  at the peak {} {}:\n",
                                 count_text(static_cast<int64_t>(peak.standing.size()), "tensor"),
                                 peak.standing.size() == 1 ? "stands" : "stand");
  const std::vector<Pile> piles = piles_of(peak.standing);
  std::vector<NamedLine> lines;
  for (size_t i = 0; i < piles.size() && i < kPilesShown; ++i) {
    const Pile& pile = piles[i];
    const std::string times = pile.count == 1 ? "" : fmt::format("{} × ", pile.count);
    const bool alone = pile.count == 1 && pile.bytes.resident == pile.bytes.reserved;
    std::string right = alone ? "" : times + use_text(pile.bytes);
    if (!pile.needed) right += right.empty() ? "no longer needed" : "  no longer needed";
    lines.push_back({bytes_text(pile.all().resident), pile.name, std::move(right)});
  }
  const std::string unneeded = unneeded_text(peak.standing);
  return text + named_lines(lines, 4) + more_text(piles) +
         (unneeded.empty() ? "" : paint.mark(unneeded.substr(0, unneeded.size() - 1)) + "\n");
}

std::string group_table(const MemoryView& view, const MemoryObservation& group, Device device,
                        const Layout& layout, const Paint& paint) {
  const MemoryPeak& peak = group.peaks[device];
  const bool committed = layout.committed && device == Device::kCpu;  // the kernel knows no other
  std::string text = "\n" + head(group_text(group.ranks, device), layout, committed, paint);
  for (const StepRow& row : step_rows(group, device))
    text += step_line(view, row, layout, committed, row.step == peak.step, paint);
  return text + standing_text(peak, paint);
}

std::string groups_left_out(const MemoryView& view, const std::vector<size_t>& shown) {
  if (shown.size() == view.groups.size()) return "";
  std::vector<bool> is_shown(view.groups.size());
  for (size_t i : shown) is_shown[i] = true;
  const std::vector<int64_t> heights = heights_of(view.groups);
  size_t ranks = 0;
  int64_t most = 0;
  for (size_t i = 0; i < is_shown.size(); ++i) {
    if (is_shown[i]) continue;
    ranks += view.groups[i].ranks.size();
    most = std::max(most, heights[i]);
  }
  return fmt::format("\nand {} more, which hold otherwise, each at most {}\n",
                     count_text(static_cast<int64_t>(ranks), "rank"), bytes_text(most));
}

std::string holders_table(const MemoryView& view, const Paint& paint) {
  if (view.holders.empty()) return "";
  const std::vector<size_t> shown = highest(heights_of(view.holders), kHoldersShown);
  size_t width = std::string_view("peaks").size();
  for (size_t i : shown) width = std::max(width, holders_text(view.holders[i]).size() + 2);
  std::string text =
      fmt::format("\n{}{:>{}}{:>{}}\n", paint.heading(fmt::format("{:{}}", "peaks", width)),
                  "resident", kNumber, "reserved", kNumber);
  for (size_t i : shown) {
    const Holders& one = view.holders[i];
    const std::string begin =
        fmt::format("  {:{}}{:>{}}{:>{}}  ", holders_text(one), width - 2,
                    bytes_text(one.most.resident), kNumber, bytes_text(one.most.reserved), kNumber);
    const size_t rest = kColumns - std::min(kColumns, begin.size());
    text += begin + peak_text(view, one, rest) + "\n";
  }
  if (shown.size() < view.holders.size())
    text += fmt::format("  and {} more that held less\n", view.holders.size() - shown.size());
  return text;
}

}  // namespace

std::string memory_table(const MemoryView& view, bool colour) {
  const Paint paint{colour};
  std::string text = paint.heading(view.id) + "\n" + endings_text(view, paint);
  const std::vector<size_t> shown = highest(heights_of(view.groups), kGroupsShown);
  const Layout layout = layout_of(view, shown);
  std::vector<int> idle;
  for (size_t i : shown) {
    const MemoryObservation& group = view.groups[i];
    const std::vector<Device> used = devices_of(group);
    if (used.empty()) idle = group.ranks;
    for (Device device : used) text += group_table(view, group, device, layout, paint);
  }
  if (!idle.empty())
    text += fmt::format("\n{} {} nothing\n", ranks_text(idle, kNumbersShown),
                        idle.size() == 1 ? "holds" : "hold");
  return text + groups_left_out(view, shown) + holders_table(view, paint) +
         (view.cost ? cost_table(*view.cost, view.links) : "");
}

}  // namespace loadproof::harness
