#include "sim/alike.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "sim/cut_args.h"
#include "sim/steps/verb.h"

namespace loadproof::sim {
namespace {

// A cut of tensors of one shape over a group.
struct Cutting {
  Cut cut;
  std::string group;
  std::vector<int64_t> shape;
  bool operator==(const Cutting&) const = default;
};

const std::string* group_of(const Step& step) {
  const auto* over = optional_arg<std::string>(step, "over");
  return over ? over : optional_arg<std::string>(step, "group");
}

void add_once(std::vector<Cutting>& all, Cutting one) {
  if (std::ranges::find(all, one) == all.end()) all.push_back(std::move(one));
}

// With extents of one where the cut does not go, which change nothing and cost much to lay out.
std::vector<int64_t> only_dim(const std::vector<int64_t>& shape, const Cut& cut) {
  if (cut.rule == CutRule::kFlat) return {element_count(shape)};
  std::vector<int64_t> thin(shape.size(), 1);
  if (cut.dim >= 0 && cut.dim < static_cast<int64_t>(shape.size()))
    thin[static_cast<size_t>(cut.dim)] = shape[static_cast<size_t>(cut.dim)];
  return thin;
}

class Signing {
 public:
  Signing(const WorldSpec& spec, const Asset& asset, const Groups& groups)
      : topology_(spec.topology), groups_(groups), steps_(flat_steps(*spec.program)) {
    for (const TensorSpec& tensor : asset.specs()) {
      if (tensor.cut && !spec.whole)
        add_once(cuttings_, {*tensor.cut, tensor.cut_over, only_dim(tensor.shape, *tensor.cut)});
      if (std::ranges::find(holders_, tensor.held_by) == holders_.end())
        holders_.push_back(tensor.held_by);
    }
    for (const Step* step : steps_) add_step(*step, asset);
  }

  std::vector<int64_t> sign(int rank) {
    std::vector<int64_t> signature;
    for (const Step* step : steps_) {
      signature.push_back(step->ranks.contains(rank, topology_));
      if (const std::string* group = group_of(*step)) sign_group(*step, *group, rank, signature);
    }
    for (const RankSet& holder : holders_)
      signature.push_back(holder.contains(rank, topology_));
    for (const Cutting& one : cuttings_) sign_cut(one, rank, signature);
    if (named_.contains("rank")) signature.push_back(rank);
    if (named_.contains("local")) signature.push_back(topology_.local_rank_of(rank));
    if (named_.contains("node")) signature.push_back(topology_.node_of(rank));
    for (size_t dim = 0; dim < topology_.mesh.size(); ++dim)
      if (named_.contains(topology_.mesh[dim].name))
        signature.push_back(topology_.coordinate_of(rank, dim));
    return signature;
  }

 private:
  const Topology& topology_;
  const Groups& groups_;
  std::vector<const Step*> steps_;
  std::vector<Cutting> cuttings_;
  std::vector<RankSet> holders_;
  std::set<std::string> named_;  // variables in the texts of steps that read
  std::map<std::tuple<size_t, int64_t, int64_t>, std::vector<int64_t>> extents_;

  void add_step(const Step& step, const Asset& asset) {
    const std::string* group = group_of(step);
    if (group && optional_arg<std::string>(step, "rule"))
      for (const TensorSpec& tensor : asset.specs()) {
        const Cut cut = cut_of(step);
        add_once(cuttings_, {cut, *group, only_dim(tensor.shape, cut)});
      }
    if (step.verb != "read") return;
    const auto* stride = optional_arg<int64_t>(step, "stride");
    if ((stride && *stride != 0) || optional_arg<std::vector<int64_t>>(step, "order"))
      named_.insert("rank");  // pieces are not where the declared cut has them
    for (const auto& [name, value] : step.args) {
      if (const auto* text = std::get_if<std::string>(&value)) add_names(*text);
      if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
        for (const std::string& text : *texts) add_names(text);
    }
  }

  void add_names(const std::string& text) {
    for (size_t open = text.find('{'); open != text.npos; open = text.find('{', open + 1))
      if (const size_t close = text.find('}', open); close != text.npos)
        named_.insert(text.substr(open + 1, std::min(close, text.find('/', open)) - open - 1));
  }

  // Whether it is in the group, of how many, and its part in the collective.
  void sign_group(const Step& step, const std::string& group, int rank,
                  std::vector<int64_t>& signature) const {
    const auto place = groups_.place_in(group, rank);
    signature.push_back(place ? place->members : 0);
    for (const char* argument : {"src", "to"}) {
      const auto* position = optional_arg<int64_t>(step, argument);
      if (!place || !position) continue;
      const auto* counts_in = optional_arg<std::string>(step, "src_in");
      const bool in_world = counts_in && *counts_in == "world";
      signature.push_back(in_world ? *position == rank : *position == place->position);
    }
  }

  void sign_cut(const Cutting& one, int rank, std::vector<int64_t>& signature) {
    const auto place = groups_.place_in(one.group, rank);
    if (!place) return signature.push_back(-1);
    // Of a flat row each member has other tensors, and only the last one is shorter.
    constexpr int64_t kToldApart = 64;
    if (one.cut.rule == CutRule::kFlat && place->members <= kToldApart)
      return signature.push_back(place->position);
    const auto number = static_cast<size_t>(&one - cuttings_.data());
    const auto [known, is_new] =
        extents_.try_emplace({number, place->members, place->position});
    if (is_new) {
      const auto layout = layout_of(one.cut, one.shape, *place);
      known->second = layout ? layout->shape : std::vector<int64_t>{-1};
    }
    signature.insert(signature.end(), known->second.begin(), known->second.end());
  }
};

}  // namespace

std::vector<std::vector<int>> ranks_alike(const WorldSpec& spec, const Asset& asset,
                                          const Groups& groups) {
  Signing signing(spec, asset, groups);
  std::map<std::vector<int64_t>, size_t> known;
  std::vector<std::vector<int>> alike;
  for (int rank = 0; rank < spec.topology.ranks(); ++rank) {
    const auto [found, is_new] = known.try_emplace(signing.sign(rank), alike.size());
    if (is_new) alike.emplace_back();
    alike[found->second].push_back(rank);
  }
  return alike;
}

}  // namespace loadproof::sim
