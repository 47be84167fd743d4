#include "harness/twins.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/oracles/judged.h"

namespace loadproof::harness {
namespace {

class Comparing {
 public:
  Comparing(const Observation& seen, const Twin& twin, const Observation& other)
      : seen_(seen), twin_(twin), other_(other) {}

  std::vector<TwinDifference> run() {
    if (seen_.ranks.size() == other_.ranks.size())
      for (size_t rank = 0; rank < seen_.ranks.size(); ++rank)
        compare_ranks(seen_.ranks[rank], other_.ranks[rank]);
    else
      compare_worlds();
    return std::move(differences_);
  }

 private:
  using Contents = std::vector<std::pair<std::string, uint64_t>>;

  void add(int rank, const std::string& tensor, std::string text) {
    differences_.push_back({twin_.axis, twin_.value, rank, tensor, std::move(text)});
  }

  void compare_ranks(const RankObservation& here, const RankObservation& there) {
    if (here.outcome != there.outcome)
      add(here.rank, "", fmt::format("is {}, and {} with {} {}", name(here.outcome),
                                     name(there.outcome), twin_.axis, twin_.value));
    for (const TensorObservation& tensor : here.points.back().tensors) {
      if (tensor.kind == TensorKind::kScratch) continue;
      const TensorObservation* other = find_tensor(there.points.back(), tensor.name);
      if (!other || tensor.piece != other->piece) continue;
      if (tensor.content != other->content || tensor.dtype != other->dtype)
        add(here.rank, tensor.name, fmt::format("differs with {} {}", twin_.axis, twin_.value));
    }
  }

  // Each piece once, as the first rank has it.
  static Contents contents_of(const Observation& seen) {
    Contents contents;
    std::set<std::pair<std::string, uint64_t>> counted;
    for (const RankObservation& rank : seen.ranks)
      for (const TensorObservation& tensor : rank.points.back().tensors) {
        if (tensor.kind == TensorKind::kScratch) continue;
        if (!counted.emplace(tensor.name, tensor.piece).second) continue;
        auto known = std::ranges::find(contents, tensor.name, &Contents::value_type::first);
        if (known == contents.end())
          known = contents.insert(contents.end(), {tensor.name, 0});
        known->second += tensor.content == 0 ? 0 : tensor.content - 1;  // of a piece, from 1 on
      }
    return contents;
  }

  void compare_worlds() {
    const Contents here = contents_of(seen_), there = contents_of(other_);
    for (const auto& [tensor, content] : here) {
      const auto other = std::ranges::find(there, tensor, &Contents::value_type::first);
      if (other != there.end() && other->second != content)
        add(-1, tensor, fmt::format("differs with {} {}", twin_.axis, twin_.value));
    }
    const bool ended = all_ended(seen_), others_ended = all_ended(other_);
    if (ended != others_ended)
      add(-1, "", fmt::format("all ranks end {}, and {} with {} {}", ended ? "well" : "badly",
                              others_ended ? "well" : "badly", twin_.axis, twin_.value));
  }

  static bool all_ended(const Observation& seen) {
    return std::ranges::all_of(
        seen.ranks, [](const auto& rank) { return rank.outcome == Outcome::kFinished; });
  }

  const Observation& seen_;
  const Twin& twin_;
  const Observation& other_;
  std::vector<TwinDifference> differences_;
};

}  // namespace

std::vector<TwinDifference> compare_twin(const Observation& seen, const Twin& twin,
                                         const Observation& other) {
  return Comparing(seen, twin, other).run();
}

}  // namespace loadproof::harness
