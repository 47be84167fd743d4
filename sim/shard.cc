#include "sim/shard.h"

namespace loadproof::sim {

Result<Shard> cut_again(const std::optional<Shard>& held, const std::vector<int64_t>& shape,
                        const Cut& cut, const std::string& group, const Place& place) {
  Result<Layout> piece = layout_of(cut, shape, place);
  if (!piece) return tl::make_unexpected(piece.error());
  Shard shard;
  if (held) shard.levels = held->levels;
  shard.levels.push_back({cut, group, shape, held ? std::optional(held->layout) : std::nullopt});
  shard.layout = held ? compose(held->layout, *piece) : std::move(*piece);
  return shard;
}

Result<std::optional<Shard>> cut_anew(const Shard& shard, const std::vector<int64_t>& shape,
                                      std::span<const Place> places, size_t left_out) {
  std::optional<Shard> anew;
  for (size_t i = 0; i < shard.levels.size(); ++i) {
    if (i == left_out) continue;
    const Shard::Level& level = shard.levels[i];
    Result<Shard> cut = cut_again(anew, anew ? anew->layout.shape : shape, level.cut, level.group,
                                  places[i]);
    if (!cut) return tl::make_unexpected(cut.error());
    anew = std::move(*cut);
  }
  return anew;
}

std::optional<Shard> without_last_cut(const Shard& shard) {
  const Shard::Level& last = shard.levels.back();
  if (!last.layout) return std::nullopt;
  Shard outer{*last.layout, shard.levels};
  outer.levels.pop_back();
  return outer;
}

}  // namespace loadproof::sim
