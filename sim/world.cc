#include "sim/world.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <new>

#include "sim/accelerators.h"
#include "sim/backends/staged.h"
#include "sim/dry_run.h"
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

namespace {

// What the case's `source` gives, by slot.
Result<std::vector<at::Tensor>> declared_values(const WorldSpec& spec, const Asset& asset) {
  std::vector<at::Tensor> none;
  if (!spec.source) return none;
  WorldSpec alone = spec;
  alone.topology = {};
  alone.backend = "sim";
  alone.program = spec.source;
  alone.source = nullptr;
  alone.whole = true;
  Result<std::unique_ptr<Backend>> backend = make_backend(alone.backend, 1);
  if (!backend) return tl::make_unexpected(backend.error());
  Engine engine(alone, asset, **backend);
  const Result<Observation> seen = engine.run();
  if (!seen) return tl::make_unexpected(seen.error());
  const RankObservation& rank = seen->ranks[0];
  if (rank.outcome != Outcome::kFinished)
    return fail(fmt::format("the steps of `source` end with an error: {}", rank.error));
  return engine.values();
}

bool moves_on_devices(const Backend& backend) {
  return std::ranges::any_of(backends(), [&](const BackendInfo& info) {
    return info.name == backend.name() && info.needs_device;
  });
}

Result<void> reaches(const Backend& backend, const Accelerator& accelerator) {
  if (!moves_on_devices(backend) || accelerator.name() == "cuda") return {};
  return fail(fmt::format("the {} backend moves bytes between GPUs, and the tensors are on {}",
                          backend.name(), accelerator.name()));
}

}  // namespace

Result<Observation> Session::run(const WorldSpec& spec) { return run(spec, nullptr, nullptr); }

Result<Observation> Session::run_one(const WorldSpec& spec, Peers& others, Backend& backend) {
  return run(spec, &others, &backend);
}

Result<Observation> Session::run(const WorldSpec& spec, Peers* others, Backend* reaching) {
  const Result<Fill> fill = fill_named(spec.fill);
  if (!fill) return tl::make_unexpected(fill.error());
  const c10::InferenceMode inference;
  set_fill(*fill);
  try {
    const Result<const Asset*> asset =
        parts_->assets.open(spec.model, spec.dtype, spec.extras, spec.stores, spec.dry);
    if (!asset) return tl::make_unexpected(asset.error());
    if (spec.dry) return run_dry(spec, **asset);
    Result<std::unique_ptr<Backend>> own;
    if (!reaching) {
      own = make_backend(spec.backend, spec.topology.ranks());
      if (!own) return tl::make_unexpected(own.error());
    }
    Backend& backend = reaching ? *reaching : **own;
    Result<Accelerator*> accelerator = open_accelerator(spec.device);
    if (!accelerator) return tl::make_unexpected(accelerator.error());
    std::unique_ptr<Backend> staged;
    if (*accelerator) {
      (*accelerator)->set_fill(*fill);
      if (auto can = reaches(backend, **accelerator); !can) return tl::make_unexpected(can.error());
      if (!moves_on_devices(backend)) staged = staged_through_host(backend);
    }
    Result<std::vector<at::Tensor>> declared = declared_values(spec, **asset);
    if (!declared) return tl::make_unexpected(declared.error());
    reset_ledger();
    Engine engine(spec, **asset, *(staged ? staged.get() : &backend), std::move(*declared), others);
    if (*accelerator) engine.place_on(**accelerator);
    return engine.run();
  } catch (const std::bad_alloc&) {
    return fail(fmt::format("not enough memory for a world of {} ranks", spec.topology.ranks()));
  } catch (const c10::Error& error) {
    return fail(error.what_without_backtrace());
  }
}

}  // namespace loadproof::sim
