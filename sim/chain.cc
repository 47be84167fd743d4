#include "sim/chain.h"

#include <fmt/format.h>

namespace loadproof::sim {
namespace {

std::string step_text(const ChainScope& scope, int32_t step) {
  if (step < 0 || static_cast<size_t>(step) >= scope.steps.size()) return "the start";
  const StepLabel& label = scope.steps[static_cast<size_t>(step)];
  return label.file.empty() ? fmt::format("step {}", label.id)
                            : fmt::format("step {} ({}:{})", label.id, label.file, label.line);
}

std::string before_text(const ChainScope& scope, const Origin& origin, Cell cell, int64_t bytes) {
  if (origin.parent == kNoOrigin) return "";
  return "; " + describe_chain(scope, {origin.parent, cell.offset}, bytes);
}

std::string loaded_text(const ChainScope& scope, const Origin& origin, Cell cell, int64_t bytes) {
  const CheckpointTensor* source = scope.checkpoint ? scope.checkpoint->find(origin.what) : nullptr;
  // Bytes of a file that this world has changed are at no place that is known.
  if (!source || source->file != origin.file || origin.parent != kNoOrigin) {
    return fmt::format("loaded from {}, key {}, by {}{}", origin.file, origin.what,
                       step_text(scope, origin.step), before_text(scope, origin, cell, bytes));
  }
  const int64_t item = item_size(source->dtype);
  const int64_t begin = source->file_begin + source_element(scope.origins, cell) * item;
  const int64_t elements = bytes / std::max<int64_t>(1, origin.item_size);
  return fmt::format("loaded from {}, key {}, bytes {} to {}, by {}", origin.file, origin.what,
                     begin, begin + elements * item, step_text(scope, origin.step));
}

}  // namespace

OriginId chain_end(const OriginTable& origins, OriginId origin) {
  while (origins.at(origin).parent != kNoOrigin) origin = origins.at(origin).parent;
  return origin;
}

int64_t source_element(const OriginTable& origins, Cell cell) {
  const Origin& written = origins.at(origins.root(cell.origin));
  return cell.offset / std::max<int32_t>(1, written.item_size);
}

std::string describe_chain(const ChainScope& scope, Cell cell, int64_t bytes) {
  const Origin& origin = scope.origins.at(cell.origin);
  const std::string step = step_text(scope, origin.step);
  switch (origin.kind) {
    case StateKind::kMeta: return fmt::format("on meta since {}: no storage", step);
    case StateKind::kUndefined:
      return fmt::format("allocated on rank {} by {}, never written", origin.rank, step);
    case StateKind::kPlaceholder:
      return fmt::format("{} written on rank {} by {} to hold the place",
                         origin.what == "alloc as zeros" ? "zeros" : origin.what, origin.rank,
                         step);
    case StateKind::kRandom:
      return fmt::format("random, {} on rank {} in {}", origin.what, origin.rank, step);
    case StateKind::kComputed:
      return fmt::format("computed as {} on rank {} in {}", origin.what, origin.rank, step);
    case StateKind::kLoaded: return loaded_text(scope, origin, cell, bytes);
    case StateKind::kReceived:
      return fmt::format("received from rank {} ({}) in {}; {}", origin.rank, origin.what, step,
                         describe_chain(scope, {origin.parent, cell.offset}, bytes));
    case StateKind::kDerived: case StateKind::kTainted:
      return fmt::format("{} on rank {} in {}{}", origin.what, origin.rank, step,
                         before_text(scope, origin, cell, bytes));
  }
  return "";
}

}  // namespace loadproof::sim
