#include "sim/slice.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace loadproof {
namespace {

// What one entry takes of its dimension.
struct Taken {
  int64_t begin = 0, count = 0, step = 1;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool done() const { return at_ == text_.size(); }
  bool take(char c) {
    skip_spaces();
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::optional<int64_t> number() {
    skip_spaces();
    int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    at_ += static_cast<size_t>(end - begin);
    return value;
  }
  tl::unexpected<Error> error(std::string_view what) const {
    return fail(fmt::format("column {}: {}", at_ + 1, what));
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Slice> Slice::parse(std::string_view text) {
  Slice slice;
  slice.text_ = text;
  Reader reader(text);
  do {
    Range range{.begin = reader.number()};
    range.is_index = !reader.take(':');
    if (range.is_index && !range.begin) return reader.error("expected a number or a colon");
    if (!range.is_index) range.end = reader.number();
    if (!range.is_index && reader.take(':')) range.step = reader.number().value_or(1);
    if (range.step < 1) return reader.error("a step must be at least 1");
    slice.ranges_.push_back(range);
  } while (reader.take(','));
  reader.skip_spaces();
  if (!reader.done()) return reader.error("expected a comma or the end");
  return slice;
}

Result<Layout> Slice::layout(const std::vector<int64_t>& shape) const {
  if (ranges_.size() > shape.size())
    return fail(fmt::format("slice '{}' has {} entries, and shape [{}] has {} dimensions", text_,
                            ranges_.size(), fmt::join(shape, ", "), shape.size()));
  Layout layout{.whole_shape = shape, .shape = {}, .parts = {}};
  std::vector<Taken> taken;
  for (size_t d = 0; d < shape.size(); ++d) {
    const Range range = d < ranges_.size() ? ranges_[d] : Range{};
    auto position = [&](int64_t given) { return given < 0 ? shape[d] + given : given; };
    if (range.is_index) {
      const int64_t index = position(*range.begin);
      if (index < 0 || index >= shape[d])
        return fail(fmt::format("slice '{}' asks for {} of dimension {}, which has {}", text_,
                                *range.begin, d, shape[d]));
      taken.push_back({index, 1, 1});
      continue;
    }
    const int64_t begin = std::clamp<int64_t>(position(range.begin.value_or(0)), 0, shape[d]);
    const int64_t last = position(range.end.value_or(shape[d]));
    const int64_t end = std::clamp<int64_t>(last, begin, shape[d]);
    taken.push_back({begin, (end - begin + range.step - 1) / range.step, range.step});
    layout.shape.push_back(taken.back().count);
  }
  // Starts of the elements, dimension by dimension.
  std::vector<int64_t> starts{0};
  for (size_t d = 0; d < shape.size(); ++d) {
    std::vector<int64_t> next;
    next.reserve(starts.size() * static_cast<size_t>(taken[d].count));
    for (int64_t start : starts)
      for (int64_t i = 0; i < taken[d].count; ++i)
        next.push_back(start * shape[d] + taken[d].begin + i * taken[d].step);
    starts = std::move(next);
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    std::vector<Part>& parts = layout.parts;
    if (!parts.empty() && parts.back().whole + parts.back().count == starts[i])
      ++parts.back().count;
    else
      parts.push_back({static_cast<int64_t>(i), starts[i], 1});
  }
  return layout;
}

}  // namespace loadproof
