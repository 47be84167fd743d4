#include "sim/steps/rows.h"

#include <fmt/format.h>

#include "sim/rank.h"

namespace loadproof::sim {

Result<void> for_each_row(const StepContext& context, int slot,
                          const std::function<void(int64_t)>& visit) {
  const Slot& tensor = context.rank.slot(slot);
  const int64_t count = tensor.value.dim() == 0 ? 0 : tensor.value.size(0);
  for (int64_t row : arg<std::vector<int64_t>>(context.step, "rows")) {
    const int64_t index = row < 0 ? row + count : row;
    if (index < 0 || index >= count)
      return fail(fmt::format("{} has {} rows and no row {}", tensor.spec->name, count, row));
    visit(index);
  }
  return {};
}

}  // namespace loadproof::sim
