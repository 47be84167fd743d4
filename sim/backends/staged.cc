#include "sim/backends/staged.h"

#include <algorithm>

namespace loadproof::sim {
namespace {

bool is_away(const at::Tensor& tensor) {
  return tensor.defined() && !tensor.is_cpu() && !tensor.is_meta();
}

bool is_on_host(const Transfer& transfer) {
  return std::ranges::none_of(transfer.members, [](const Member& member) {
    return std::ranges::any_of(member.in, is_away) || std::ranges::any_of(member.out, is_away);
  });
}

// What arrived in a tensor of the host, and where it belongs.
struct Arrival {
  at::Tensor on_host, away;
};

// The same transfer between tensors of the host. What a receiver holds goes along: it keeps its
// tail, and an all_reduce is in place.
Transfer stage(const Transfer& transfer, std::vector<Arrival>& arrivals) {
  Transfer staged = transfer;
  for (Member& member : staged.members) {
    for (at::Tensor& given : member.in)
      if (is_away(given)) given = given.to(at::kCPU);
    for (at::Tensor& received : member.out) {
      if (!is_away(received)) continue;
      arrivals.push_back({received.to(at::kCPU), received});
      received = arrivals.back().on_host;
    }
  }
  return staged;
}

class StagedBackend final : public Backend {
 public:
  explicit StagedBackend(Backend& backend) : backend_(backend) {}

  std::string_view name() const override { return backend_.name(); }

  Result<void> run(std::span<const Transfer> transfers) override {
    while (!transfers.empty()) {
      const auto away = std::ranges::find_if_not(transfers, is_on_host);
      const auto here = static_cast<size_t>(away - transfers.begin());
      if (here > 0)
        if (auto moved = backend_.run(transfers.first(here)); !moved) return moved;
      if (here < transfers.size())
        if (auto moved = run_staged(transfers[here]); !moved) return moved;
      transfers = transfers.subspan(std::min(transfers.size(), here + 1));
    }
    return {};
  }

 private:
  // One at a time, since the next may give what this one receives.
  Result<void> run_staged(const Transfer& transfer) {
    std::vector<Arrival> arrivals;
    const Transfer staged = stage(transfer, arrivals);
    if (auto moved = backend_.run({&staged, 1}); !moved) return moved;
    for (const Arrival& arrival : arrivals) arrival.away.copy_(arrival.on_host);
    return {};
  }

  Backend& backend_;
};

}  // namespace

std::unique_ptr<Backend> staged_through_host(Backend& backend) {
  return std::make_unique<StagedBackend>(backend);
}

}  // namespace loadproof::sim
