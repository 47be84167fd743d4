#include "sim/backends/call_text.h"

#include <fmt/ranges.h>

namespace loadproof::sim {

std::string ranks_in_words(std::span<const int> ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t begin = 0; begin < ranks.size();) {
    size_t last = begin;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
    if (begin > 0) text += ", ";
    text += fmt::format("{}", ranks[begin]);
    if (last > begin) text += fmt::format("{}{}", last == begin + 1 ? ", " : "-", ranks[last]);
    begin = last + 1;
  }
  return text;
}

std::string call_in_words(const Call& call) {
  std::string text = fmt::format("in {}: {}", call.step_id, name(call.op));
  if (call.op == Collective::kAllReduce) text += fmt::format(" ({})", name(call.reduction));
  if (!call.tensor.empty())
    text += fmt::format(" of {} {} [{}], {} bytes", call.tensor, name(call.dtype),
                        fmt::join(call.shape, ", "), call.bytes);
  if (call.source >= 0) text += fmt::format(", from rank {}", call.source);
  return text;
}

}  // namespace loadproof::sim
