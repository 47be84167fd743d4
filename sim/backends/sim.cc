#include "sim/backends/sim.h"

#include <cstring>

#include "sim/backends/ring.h"
#include "sim/backends/transfer.h"

namespace loadproof::sim {
namespace {

class SimBackend final : public Backend {
 public:
  std::string_view name() const override { return "sim"; }

  Result<void> run(std::span<const Transfer> transfers) override {
    for (const Transfer& transfer : transfers) {
      check(transfer);
      if (Result<void> can = check_reducible(transfer); !can) return can;
    }
    for (const Transfer& transfer : transfers) {
      if (transfer.op == Collective::kAllReduce) all_reduce_in_ring(transfer);
      for_each_piece(transfer, copy);
    }
    return {};
  }

 private:
  // memmove, because a rank may gather into the tensor that it gives.
  static void copy(const at::Tensor& from, const at::Tensor& to) {
    if (from.nbytes() > 0)
      std::memmove(to.mutable_data_ptr(), from.const_data_ptr(), from.nbytes());
  }
};

}  // namespace

Result<std::unique_ptr<Backend>> make_sim_backend(int) { return std::make_unique<SimBackend>(); }

}  // namespace loadproof::sim
