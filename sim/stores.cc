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
  return copy_of(store, copy);
}

Store& Stores::copy_of(const std::string& store, int copy) {
  const auto room = [this, store, copy]() -> Result<std::filesystem::path> {
    if (shared_) return *shared_ / fmt::format("{}.{}", store, copy);
    if (!folder_) {
      auto made = TemporaryFolder::make();
      if (!made) return tl::make_unexpected(made.error());
      folder_ = std::move(*made);
    }
    return folder_->path() / fmt::format("{}.{}", store, copy);
  };
  return copies_.try_emplace({store, copy}, store, asset_, room).first->second;
}

std::filesystem::path Stores::knowledge_of(const std::string& store, int copy) const {
  return *shared_ / fmt::format("{}.{}.known", store, copy);
}

Result<std::vector<StoreNews>> Stores::tell_news(const OriginTable& origins) {
  std::vector<StoreNews> news;
  for (auto& [which, copy] : copies_) {
    if (!shared_ || !copy.has_news()) continue;
    const auto& [store, number] = which;
    if (auto written = copy.write_knowledge(knowledge_of(store, number), origins); !written)
      return tl::make_unexpected(written.error());
    news.push_back({store, number});
  }
  return news;
}

Result<void> Stores::take_news(const std::vector<StoreNews>& news, OriginTable& origins) {
  for (const StoreNews& one : news) {
    int64_t& known = known_versions_[{one.store, one.copy}];
    if (std::exchange(known, one.version) == one.version) continue;
    Store& copy = copy_of(one.store, one.copy);
    if (auto read = copy.read_knowledge(knowledge_of(one.store, one.copy), origins); !read)
      return read;
  }
  return {};
}

bool changes_shared_stores(const Program& program, const std::vector<StoreSpec>& stores) {
  const auto is_shared = [&](const std::string* name) {
    const auto found = name ? std::ranges::find(stores, *name, &StoreSpec::name) : stores.end();
    return name && !name->empty() && (found == stores.end() || found->per != StorePer::kRank);
  };
  return std::ranges::any_of(flat_steps(program), [&](const Step* step) {
    const bool changes = step->verb == "save" || step->verb == "move" || step->verb == "damage";
    return changes && (is_shared(optional_arg<std::string>(*step, "store")) ||
                       is_shared(optional_arg<std::string>(*step, "to")));
  });
}

}  // namespace loadproof::sim
