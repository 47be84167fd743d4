#include "sim/machine.h"

#include <ATen/Version.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "sim/accelerators.h"
#include "sim/backends/caught.h"
#include "sim/backends/nccl_part.h"
#include "sim/memory/committed.h"
#include "sim/memory/poison.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

std::string text_of(const char* file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The number that a text begins with, after spaces.
std::optional<int64_t> number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

int cores() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

std::optional<int64_t> address_space_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<int64_t>(limit.rlim_cur);
}

// Of a container, whose control group is the root that it sees; "max" is no number.
std::optional<int64_t> memory_limit() { return number_in(text_of("/sys/fs/cgroup/memory.max")); }

// Broadcasts a tensor from rank 0 to all others.
Result<void> broadcast(Backend& backend, int ranks) {
  constexpr int64_t kElements = 1000;
  Transfer transfer;
  transfer.op = Collective::kBroadcast;
  for (int rank = 0; rank < ranks; ++rank) {
    const at::Tensor tensor = at::full({kElements}, rank == 0 ? 3 : 0, at::kFloat);
    transfer.members.push_back({rank, {}, {}});
    (rank == 0 ? transfer.members.back().in : transfer.members.back().out).push_back(tensor);
  }
  if (Result<void> moved = backend.run({&transfer, 1}); !moved) return moved;
  for (int rank = 1; rank < ranks; ++rank)
    if (!at::equal(transfer.members[static_cast<size_t>(rank)].out[0], transfer.members[0].in[0]))
      return fail(fmt::format("rank {} has not received what rank 0 broadcast", rank));
  return {};
}

std::string why_not(const BackendInfo& info, int ranks) {
  Result<void> moved;
  const Result<void> thrown = caught([&] {
    Result<std::unique_ptr<Backend>> backend = info.make(ranks);
    moved = backend ? broadcast(**backend, ranks) : tl::make_unexpected(backend.error());
  });
  if (!thrown) return thrown.error().message;
  return moved ? "" : moved.error().message;
}

// Unwritten memory of the device is NaN to its own scan; what is written there comes back.
Result<void> try_device(std::string_view name) {
  constexpr int64_t kElements = 1000;
  const Result<Accelerator*> accelerator = open_accelerator(name);
  if (!accelerator) return tl::make_unexpected(accelerator.error());
  at::Device place(at::kCPU);
  set_fill(Fill::kNan);
  if (*accelerator) {
    place = (*accelerator)->device_of(0);
    (*accelerator)->set_fill(Fill::kNan);
  }
  const at::Tensor tensor = empty_tensor({kElements}, DType::kBFloat16, place);
  if (count_elements(tensor).nan != kElements) return fail("its unwritten memory is not the fill");
  tensor.fill_(3);
  if (count_elements(on_host(tensor)).nan != 0) return fail("what was written is not there");
  return {};
}

// Those whose values are worth reading, and the beginnings of all that launchers set.
constexpr std::string_view kLaunchNames[] = {
    "RANK",         "WORLD_SIZE",   "LOCAL_RANK",    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",  "MASTER_PORT",  "SLURM_PROCID",  "SLURM_NTASKS",
    "SLURM_LOCALID", "PMI_RANK",    "PMI_SIZE",      "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE"};
constexpr std::string_view kLaunchBeginnings[] = {"SLURM_", "OMPI_", "PMI_", "PMIX_"};

}  // namespace

std::string chosen_word(std::string_view text) {
  const size_t begin = text.find('[');
  const size_t end = text.find(']', begin);
  if (begin == text.npos || end == text.npos) return "";
  return std::string(text.substr(begin + 1, end - begin - 1));
}

int64_t meminfo_bytes(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    std::string_view rest = text.substr(at + key.size());
    const bool is_line = at == 0 || text[at - 1] == '\n';
    if (!is_line || !rest.starts_with(':')) continue;
    const std::optional<int64_t> kibibytes = number_in(rest.substr(1));
    return kibibytes ? *kibibytes * 1024 : -1;
  }
  return -1;
}

HostMachine look_at_host() {
  HostMachine host;
  const std::string meminfo = text_of("/proc/meminfo");
  host.cores = cores();
  host.memory_total = meminfo_bytes(meminfo, "MemTotal");
  host.memory_available = meminfo_bytes(meminfo, "MemAvailable");
  host.memory_limit = memory_limit();
  host.huge_pages = chosen_word(text_of("/sys/kernel/mm/transparent_hugepage/enabled"));
  host.mappings_max = number_in(text_of("/proc/sys/vm/max_map_count")).value_or(-1);
  host.overcommit = number_in(text_of("/proc/sys/vm/overcommit_memory")).value_or(-1);
  host.poisoned_most = poisoned_bytes_most();
  host.address_space_max = address_space_max();
  host.scans_pagemap = kernel_scans_pagemap();
  host.torch = fmt::format("{}.{}.{}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR,
                           TORCH_VERSION_PATCH);
  host.cpu_capability = at::get_cpu_capability();
  return host;
}

std::vector<BackendTrial> try_backends(size_t devices) {
  install_poison_allocator();
  std::vector<BackendTrial> trials;
  for (const BackendInfo& info : backends()) {
    const int ranks = info.needs_device && devices < 2 ? 1 : 2;
    trials.push_back({std::string(info.name), std::string(info.about), info.needs_device, ranks,
                      why_not(info, ranks)});
  }
  return trials;
}

std::vector<DeviceTrial> try_devices() {
  install_poison_allocator();
  const c10::InferenceMode inference;
  std::vector<DeviceTrial> trials;
  for (const DeviceInfo& info : device_infos()) {
    Result<void> works;
    const Result<void> thrown = caught([&] { works = try_device(info.name); });
    trials.push_back({std::string(info.name), std::string(info.about),
                      !thrown ? thrown.error().message : works ? "" : works.error().message});
  }
  return trials;
}

CudaMachine look_at_cuda() {
  Result<NcclPart*> part = open_nccl_part(nccl_part_file());
  if (part) return (*part)->machine();
  CudaMachine unseen;
  unseen.why_none = part.error().message;
  return unseen;
}

CudaMachine look_for_devices() {
  if (void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL)) {
    dlclose(driver);
    return look_at_cuda();
  }
  CudaMachine none;
  none.why_none = "this machine has no NVIDIA driver";
  return none;
}

std::vector<std::string> launch_variables(const char* const* environment) {
  std::vector<std::string> found;
  for (; *environment; ++environment) {
    const std::string_view variable = *environment;
    const std::string_view name = variable.substr(0, variable.find('='));
    if (std::ranges::find(kLaunchNames, name) != std::end(kLaunchNames))
      found.emplace_back(variable);
    else if (std::ranges::any_of(kLaunchBeginnings,
                                 [&](std::string_view one) { return name.starts_with(one); }))
      found.emplace_back(name);
  }
  return found;
}

}  // namespace loadproof::sim
