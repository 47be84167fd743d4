// Gloo's process groups for one world, and the pool of worlds that wait for their next use.
//
// A world is used by one thread at a time; the pool by any. Nothing here throws.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/backends/gloo.h"
#include "sim/result.h"

namespace c10d {
class ProcessGroupGloo;
}

namespace loadproof::sim {

// One process group for each rank of an ordered list of global ranks, in that order, as far as they
// are in this process.
class GlooGroup {
 public:
  virtual ~GlooGroup() = default;
  // Whether that of this index is in this process.
  virtual bool has(size_t index) const = 0;
  virtual c10d::ProcessGroupGloo& at(size_t index) = 0;
};

class GlooWorld {
 public:
  virtual ~GlooWorld() = default;  // closes all groups, in parallel
  virtual int ranks() const = 0;
  // The one rank that is in this process; nothing: all are.
  virtual std::optional<int> own_rank() const = 0;
  // The group of these ranks, made when it is first asked for; it lives until trim() or the end.
  virtual Result<GlooGroup*> group(const std::vector<int>& ranks) = 0;
  // Asked now and then while ranks in other processes are waited for: whether to do so no more.
  // Nothing: they are waited for as long as they take.
  virtual std::function<bool()> given_up() const { return {}; }
  // Closes groups when they are so many that an idle world had better not keep them.
  virtual void trim() = 0;
};

// A world that was given back, or a new one whose group of all ranks stands.
Result<std::unique_ptr<GlooWorld>> take_gloo_world(int ranks, const GlooOptions& options);
void give_back_gloo_world(std::unique_ptr<GlooWorld> world);
// Moves bytes in a world that is not given back: it is closed with the backend.
std::unique_ptr<Backend> backend_in(std::unique_ptr<GlooWorld> world);

}  // namespace loadproof::sim
