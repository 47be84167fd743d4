#include "sim/reach.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/nan_to_num.h>

#include <algorithm>
#include <limits>
#include <map>

#include "sim/accelerators.h"
#include "sim/memory/scan.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

// A stretch of one slot that must not reach sampling, in one state.
struct Suspect {
  int slot = -1;
  int64_t begin = 0, end = 0;  // elements
  Cell cell;
};

std::vector<Suspect> suspects_of(const Rank& rank, const OriginTable& origins, int slot) {
  std::vector<Suspect> suspects;
  const int64_t item = static_cast<int64_t>(rank.slot(slot).value.element_size());
  for (const Interval& interval : rank.states(slot).intervals())
    if (must_not_reach_sampling(origins.root_kind(interval.cell.origin)))
      suspects.push_back(
          {slot, interval.begin / item, (interval.end + item - 1) / item, interval.cell});
  return suspects;
}

class Prober {
 public:
  Prober(const Rank& rank, size_t model_tensors, const std::vector<Suspect>& suspects,
         const SampledLogits& logits)
      : logits_(logits) {
    std::map<int, int> first;  // storage -> slot
    for (size_t i = 0; i < model_tensors; ++i) {
      const Slot& slot = rank.slot(static_cast<int>(i));
      if (slot.view) {
        tensors_.push_back(cleaned(slot.value).contiguous());
        continue;
      }
      const auto [known, is_new] = first.emplace(slot.storage, static_cast<int>(i));
      tensors_.push_back(is_new ? cleaned(slot.value)
                                : tensors_[static_cast<size_t>(known->second)]);
    }
    for (const Suspect& suspect : suspects)
      fill(suspect.slot, suspect.begin, suspect.end, kBaseSeed);
    bring_together(tensors_);
    base_ = logits_(tensors_).contiguous().clone();
  }

  // The rows of [begin, end) that reach, from the first to the last; nothing: none does.
  std::optional<Run> narrow(int slot, int64_t begin, int64_t end) {
    if (!changes(slot, begin, end)) return std::nullopt;
    const at::Tensor& tensor = tensors_[static_cast<size_t>(slot)];
    const int64_t row =
        tensor.dim() < 2 ? 1 : std::max<int64_t>(1, tensor.numel() / tensor.size(0));
    const int64_t first =
        smallest(begin, end, row, [&](int64_t at) { return changes(slot, begin, at); }) - row;
    const int64_t kept = std::max(begin, first);
    const int64_t reversed =
        smallest(0, end - kept, row, [&](int64_t at) { return changes(slot, end - at, end); });
    return Run{kept, std::max(kept, std::min(end, end - reversed + row)) - kept};
  }

 private:
  static constexpr uint64_t kBaseSeed = 1, kOtherSeed = 2;
  const SampledLogits& logits_;
  std::vector<at::Tensor> tensors_;
  at::Tensor base_;

  static at::Tensor cleaned(const at::Tensor& value) {
    if (value.is_meta()) return at::empty(value.sizes(), value.options().device(at::kCPU));
    return value.is_floating_point() ? at::nan_to_num(value, 0.0, 0.0, 0.0) : value.clone();
  }

  at::Tensor stretch(int slot, int64_t begin, int64_t end) const {
    return tensors_[static_cast<size_t>(slot)].view(-1).narrow(0, begin, end - begin);
  }

  void fill(int slot, int64_t begin, int64_t end, uint64_t seed) {
    at::Generator generator = new_generator(seed * 7919 + static_cast<uint64_t>(slot));
    const at::Tensor part = stretch(slot, begin, end);
    if (part.is_cpu())
      part.uniform_(-0.5, 0.5, generator);
    else  // what is drawn depends on no device
      part.copy_(at::empty(part.sizes(), part.scalar_type()).uniform_(-0.5, 0.5, generator));
  }

  // Another finite value, or NaN: a mask multiplies what it hides by zero, which only NaN survives.
  bool changes(int slot, int64_t begin, int64_t end) {
    if (begin >= end) return false;
    const at::Tensor part = stretch(slot, begin, end);
    const at::Tensor kept = part.clone();
    fill(slot, begin, end, kOtherSeed);
    bool differs = logits_differ();
    if (!differs && part.is_floating_point()) {
      part.fill_(std::numeric_limits<double>::quiet_NaN());
      differs = logits_differ();
    }
    part.copy_(kept);
    return differs;
  }

  bool logits_differ() const {
    const at::Tensor logits = logits_(tensors_).contiguous();
    return !same_bytes(logits, base_);
  }

  // The smallest begin + k * row (clipped to end) at which `holds`, which holds at `end`. Tries the
  // first row before halving: most tensors reach from end to end.
  template <typename Predicate>
  static int64_t smallest(int64_t begin, int64_t end, int64_t row, Predicate holds) {
    int64_t low = 0, high = (end - begin + row - 1) / row;  // holds at high, not at low
    if (holds(std::min(end, begin + row))) return begin + row;
    low = 1;
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (holds(std::min(end, begin + middle * row)) ? high : low) = middle;
    }
    return begin + high * row;
  }
};

Reach told(const Rank& rank, const ChainScope& scope, const Suspect& suspect, Run run) {
  const int64_t item = static_cast<int64_t>(rank.slot(suspect.slot).value.element_size());
  const Cell cell{suspect.cell.origin, suspect.cell.offset + (run.begin - suspect.begin) * item};
  return {rank.slot(suspect.slot).spec->name, run.begin, run.begin + run.count,
          scope.origins.root_kind(cell.origin), describe_chain(scope, cell, run.count * item)};
}

}  // namespace

void retell_chains(const Rank& rank, const ChainScope& scope, std::vector<Reach>& reaching) {
  for (Reach& reach : reaching) {
    const auto named = [&](const Slot& slot) { return slot.spec->name == reach.tensor; };
    const auto found = std::find_if(rank.slots().begin(), rank.slots().end(), named);
    const int64_t item = static_cast<int64_t>(found->value.element_size());
    const int slot = static_cast<int>(found - rank.slots().begin());
    const int64_t begin = reach.begin * item, end = reach.end * item;
    if (begin == end) continue;
    reach.chain = describe_chain(scope, rank.states(slot).read(begin, end)[0].cell, end - begin);
  }
}

std::vector<Reach> find_reach(const Rank& rank, const Asset& asset, const ChainScope& scope,
                              const SampledLogits& logits) {
  std::vector<Suspect> suspects;
  std::set<int> seen;
  for (size_t i = 0; i < rank.slots().size(); ++i) {
    const int slot = static_cast<int>(i);
    if (rank.slot(slot).spec->kind == TensorKind::kScratch) continue;  // nobody reads it at the end
    if (!rank.slot(slot).view && !seen.insert(rank.slot(slot).storage).second) continue;
    for (const Suspect& suspect : suspects_of(rank, scope.origins, slot))
      suspects.push_back(suspect);
  }
  if (suspects.empty()) return {};
  const int models = static_cast<int>(asset.model_tensors());
  std::vector<Suspect> read = suspects;
  std::erase_if(read, [&](const Suspect& suspect) { return suspect.slot >= models; });
  std::optional<Prober> prober;
  if (!read.empty()) prober.emplace(rank, asset.model_tensors(), read, logits);
  std::vector<Reach> reaching;
  for (const Suspect& suspect : suspects) {
    const std::optional<Run> run = suspect.slot < models
                                       ? prober->narrow(suspect.slot, suspect.begin, suspect.end)
                                       : Run{suspect.begin, suspect.end - suspect.begin};
    if (run) reaching.push_back(told(rank, scope, suspect, *run));
  }
  return reaching;
}

}  // namespace loadproof::sim
