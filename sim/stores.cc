#include "sim/stores.h"

#include <fmt/format.h>

#include <algorithm>

namespace loadproof::sim {
namespace {

int copy_seen_by(const StoreSpec* spec, int rank, const Topology& topology) {
  if (!spec || spec->per == StorePer::kWorld) return 0;
  return spec->per == StorePer::kNode ? topology.node_of(rank) : rank;
}

}  // namespace

Store& Stores::of(const std::string& store, int rank) {
  const auto spec = std::ranges::find(asset_.stores(), store, &StoreSpec::name);
  const int copy =
      copy_seen_by(spec == asset_.stores().end() ? nullptr : &*spec, rank, topology_);
  const auto room = [this, store, copy]() -> Result<std::filesystem::path> {
    if (!folder_) {
      auto made = TemporaryFolder::make();
      if (!made) return tl::make_unexpected(made.error());
      folder_ = std::move(*made);
    }
    return folder_->path() / fmt::format("{}.{}", store, copy);
  };
  return copies_.try_emplace({store, copy}, store, asset_, room).first->second;
}

}  // namespace loadproof::sim
