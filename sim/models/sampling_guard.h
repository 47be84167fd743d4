// Looks at what at::multinomial is about to be handed, and tells what it would refuse.
//
// The real operation refuses probabilities with an exception on CPU and a device-side assertion on
// CUDA, which kills the process's context. The guard finds the same faults first, in the same order
// of checks and with the operation's own text, and neither throws nor changes anything. It covers
// the way a generation samples: one draw a row, without replacement.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loadproof::sim {

enum class GuardKind : uint8_t { kNan, kInf, kNegative, kZeroSum };
std::string_view name(GuardKind kind);

struct GuardFinding {
  GuardKind kind = GuardKind::kNan;
  int64_t count = 0;        // elements of that kind; of kZeroSum, rows
  int64_t first_index = 0;  // of the first such element, row-major; of kZeroSum, the row
  std::string message;      // what the real operation raises
  bool operator==(const GuardFinding&) const = default;
};

// `probabilities` is one row or (rows, categories), of a floating type. Where they are on a device
// they are looked at there, and are copied to the host only if something is wrong.
std::optional<GuardFinding> inspect_probabilities(const at::Tensor& probabilities);

// One draw a row by at::multinomial itself. REQUIRES: inspect_probabilities found nothing.
at::Tensor draw(const at::Tensor& probabilities, const at::Generator& generator);

}  // namespace loadproof::sim
