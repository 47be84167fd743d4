#include "sim/world.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <map>
#include <new>

#include "sim/engine.h"
#include "sim/memory/poison.h"

namespace loadproof::sim {

struct Session::Parts {
  Assets assets;
};

Session::Session() : parts_(std::make_unique<Parts>()) {
  install_poison_allocator();
  at::set_num_threads(1);  // the order of a sum depends on the number of threads
}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result<Observation> Session::run(const WorldSpec& spec) {
  const Result<Fill> fill = fill_named(spec.fill);
  if (!fill) return tl::make_unexpected(fill.error());
  const c10::InferenceMode inference;
  set_fill(*fill);
  reset_ledger();
  try {
    const Result<const Asset*> asset = parts_->assets.open(spec.model, spec.dtype, spec.extras);
    if (!asset) return tl::make_unexpected(asset.error());
    Result<std::unique_ptr<Backend>> backend = make_backend(spec.backend, spec.topology.ranks());
    if (!backend) return tl::make_unexpected(backend.error());
    return Engine(spec, **asset, **backend).run();
  } catch (const std::bad_alloc&) {
    return fail(fmt::format("not enough memory for a world of {} ranks", spec.topology.ranks()));
  } catch (const c10::Error& error) {
    return fail(error.what_without_backtrace());
  }
}

}  // namespace loadproof::sim
