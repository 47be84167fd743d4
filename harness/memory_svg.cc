#include "harness/memory_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/memory_difference.h"
#include "harness/memory_text.h"
#include "harness/svg_curve.h"
#include "harness/words.h"
#include "harness/xml_text.h"

namespace loadproof::harness {
namespace {

constexpr int kWidth = 980, kLeft = 90, kRight = 960;  // of the page, and of its plots
constexpr int kPlotHeight = 150, kLineHeight = 18, kGap = 26;
constexpr int kBarLeft = 250, kBarRight = 530, kBarHeight = 12;
constexpr size_t kTitleCharacters = 120, kBarCharacters = 32, kStepCharacters = 44,
                 kPeakCharacters = 48;

// Both palettes have the same classes; text is dark on light, or light on dark.
constexpr std::string_view kStyle = R"(<style>
  .page { fill: #ffffff; }
  text { font: 12px sans-serif; fill: #24292f; }
  .title { font-size: 14px; font-weight: bold; }
  .name { font-weight: bold; }
  .small { font-size: 11px; fill: #57606a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .resident { fill: #9ec5f4; stroke: none; }
  .reserved { fill: none; stroke: #1f5fa8; stroke-width: 1.5; }
  .other { fill: none; stroke: #b5490f; stroke-width: 1.5; stroke-dasharray: 5 3; }
  .peak { fill: #cf222e; stroke: #cf222e; }
  .otherpeak { fill: none; stroke: #b5490f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; }
    text { fill: #e6edf3; }
    .small { fill: #9aa4af; }
    .grid { stroke: #30363d; }
    .resident { fill: #1f4f86; }
    .reserved { stroke: #79b8ff; }
    .other { stroke: #ffa657; }
    .peak { fill: #ff7b72; stroke: #ff7b72; }
    .otherpeak { stroke: #ffa657; }
  }
</style>
)";

// One timeline, or two over each other, of ranks on a device.
struct Panel {
  std::string title;
  Device device = Device::kCpu;
  const MemoryView* view = nullptr;
  const MemoryView* other_view = nullptr;
  const MemoryObservation* here = nullptr;
  const MemoryObservation* there = nullptr;
};

class Page {
 public:
  void draw(const MemoryPicture& picture) {
    text("title", kGap, down(kLineHeight), shortened(picture.here->id, kTitleCharacters));
    if (picture.there)
      text("title", kGap, down(kLineHeight),
           shortened("against " + picture.there->id, kTitleCharacters));
    for (const MemoryView* view : {picture.here, picture.there})
      if (view)
        for (size_t i = 0; i < view->endings.size() && i < kGroupsShown; ++i)
          text("small", kGap, down(kLineHeight),
               shortened(
                   ranks_text(view->endings[i].ranks, kNumbersShown) + " " + view->endings[i].text,
                   kTitleCharacters));
    legend(picture.there != nullptr);
    for (const Panel& panel : panels_of(picture)) draw(panel);
    draw_bars(picture);
    down(kGap);
  }

  std::string finish() const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>Memory over the steps of a load</title>\n"
        "{2}<rect class=\"page\" width=\"{0}\" height=\"{1}\"/>\n{3}</svg>\n",
        kWidth, y_ + kGap, kStyle, body_);
  }

 private:
  std::string body_;
  int y_ = kGap;  // below what is drawn so far

  // Takes so much room; returns its lower edge.
  int down(int height) { return y_ += height; }

  void text(std::string_view kind, double x, double y, std::string_view what,
            std::string_view more = "") {
    body_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", kind, x, y,
                         more, xml_text(what));
  }

  static std::vector<Panel> panels_of(const MemoryPicture& picture) {
    std::vector<GroupPair> pairs;
    if (picture.there)
      pairs = pair_groups(*picture.here, *picture.there);
    else
      for (const MemoryObservation& group : picture.here->groups)
        pairs.push_back({group.ranks, &group, nullptr});
    std::vector<Panel> panels;
    for (size_t i : highest(heights_of(pairs), kGroupsShown))
      for (Device device : {Device::kCpu, Device::kCuda}) {
        const GroupPair& pair = pairs[i];
        const bool ours = pair.here && is_used(*pair.here, device);
        const bool theirs = pair.there && is_used(*pair.there, device);
        if (ours || theirs)
          panels.push_back({group_text(pair.ranks, device), device, picture.here, picture.there,
                            ours ? pair.here : nullptr, theirs ? pair.there : nullptr});
      }
    return panels;
  }

  void legend(bool other) {
    const int y = down(kLineHeight + 4);
    int x = kGap;
    auto entry = [&](std::string_view shape, std::string_view name) {
      body_ += fmt::format("<g transform=\"translate({} {})\">{}</g>\n", x, y - 10, shape);
      text("small", x + 30, y, name);
      x += 46 + static_cast<int>(name.size()) * 7;
    };
    entry(R"(<rect class="resident" width="24" height="11"/>)", "resident");
    entry(R"(<path class="reserved" d="M0 6H24"/>)", "reserved");
    entry(R"(<circle class="peak" cx="12" cy="6" r="4"/>)", "peak");
    if (!other) return;
    entry(R"(<path class="other" d="M0 6H24"/>)", "resident of the other");
    entry(R"(<circle class="otherpeak" cx="12" cy="6" r="4"/>)",
          "its peak; each over its own steps");
  }

  void draw(const Panel& panel) {
    std::optional<Curve> here, there;
    if (panel.here) here = curve_of(*panel.here, panel.device);
    if (panel.there) there = curve_of(*panel.there, panel.device);
    const int64_t most = std::max({int64_t{1}, here ? here->most : 0, there ? there->most : 0});
    const int title = down(kGap + kLineHeight);
    text("name", kLeft, title, panel.title);
    const int top = title + 24;
    const Plot plot{kLeft, kRight, top, top + kPlotHeight, most};
    y_ = plot.bottom;
    grid(plot);
    if (here) {
      body_ += fmt::format("<path class=\"resident\" d=\"{}\"/>\n", area_path(*here, plot));
      body_ += fmt::format("<path class=\"reserved\" d=\"{}\"/>\n",
                           line_path(*here, plot, &MemoryUse::reserved));
    }
    if (there)
      body_ += fmt::format("<path class=\"other\" d=\"{}\"/>\n",
                           line_path(*there, plot, &MemoryUse::resident));
    std::string note;
    if (here) note = mark(*here, plot, "peak", panel.here->peaks[panel.device], *panel.view, "");
    if (there)
      note += mark(*there, plot, "otherpeak", panel.there->peaks[panel.device], *panel.other_view,
                   note.empty() ? "other: " : "; other: ");
    text("small", kRight, title, note, " text-anchor=\"end\"");
    if (here) labels(*here, plot, *panel.view, "");
    if (there) labels(*there, plot, *panel.other_view, here ? "other: " : "");
  }

  void grid(const Plot& plot) {
    for (int64_t bytes : ticks_of(plot.most)) {
      const double y = plot.y_of(bytes);
      body_ +=
          fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/>\n", plot.left, y, plot.right);
      text("small", plot.left - 8, y + 4, bytes_text(bytes), " text-anchor=\"end\"");
    }
  }

  // Returns what is to be said of it.
  std::string mark(const Curve& curve, const Plot& plot, std::string_view kind,
                   const MemoryPeak& peak, const MemoryView& view, std::string_view who) {
    const bool untouched = peak.most.resident == 0;
    const int64_t height = untouched ? peak.most.reserved : peak.most.resident;
    body_ += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>\n", kind,
                         plot.x_of(curve, curve.peak, 0.25), plot.y_of(height));
    return fmt::format("{}{}{} at {}", who, bytes_text(height), untouched ? " reserved" : "",
                       label_text(view, peak.step, kPeakCharacters));
  }

  void labels(const Curve& curve, const Plot& plot, const MemoryView& view,
              std::string_view before) {
    const int y = down(kLineHeight);
    if (!before.empty()) text("small", kGap, y, before);
    for (const AxisLabel& label : axis_labels(curve, plot, view)) {
      body_ += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}v5\"/>\n", label.x, plot.bottom);
      text("small", label.x, y, label.text);
    }
  }

  void draw_bars(const MemoryPicture& picture) {
    std::vector<HoldersPair> pairs;
    if (picture.there)
      pairs = pair_holders(*picture.here, *picture.there);
    else
      for (const Holders& one : picture.here->holders) pairs.push_back({one, std::nullopt});
    if (pairs.empty()) return;
    int64_t most = 1;
    for (const HoldersPair& pair : pairs)
      for (const std::optional<Holders>& one : {pair.here, pair.there})
        if (one) most = std::max(most, one->most.reserved);
    text("name", kLeft, down(kGap + kLineHeight), "peaks of nodes and devices");
    down(kLineHeight / 3);
    for (size_t i : highest(heights_of(pairs), kHoldersShown)) {
      const HoldersPair& pair = pairs[i];
      text("name", kBarLeft - 10, y_ + kLineHeight,
           shortened(holders_text(pair.any()), kBarCharacters), " text-anchor=\"end\"");
      if (pair.here) bar(*pair.here, *picture.here, most, "resident", "reserved");
      if (pair.there) bar(*pair.there, *picture.there, most, "other", "");
    }
  }

  void bar(const Holders& holders, const MemoryView& view, int64_t most, std::string_view kind,
           std::string_view outline) {
    const int bottom = down(kLineHeight + 2) - 2, top = bottom - kBarHeight;
    auto width_of = [&](int64_t bytes) {
      return static_cast<double>(bytes) / static_cast<double>(most) * (kBarRight - kBarLeft);
    };
    auto rect = [&](std::string_view of, int64_t bytes) {
      body_ +=
          fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/>\n", of,
                      kBarLeft, top, width_of(bytes), kBarHeight);
    };
    rect(kind, holders.most.resident);
    if (!outline.empty()) rect(outline, holders.most.reserved);
    text(
        "small", kBarRight + 10, bottom - 2,
        fmt::format("{} at {}, {}", use_text(holders.most),
                    label_text(view, holders.step, kStepCharacters), ranks_text(holders.ranks, 1)));
  }
};

}  // namespace

std::string memory_svg(const std::vector<MemoryPicture>& pictures) {
  Page page;
  for (const MemoryPicture& picture : pictures) page.draw(picture);
  return page.finish();
}

}  // namespace loadproof::harness
