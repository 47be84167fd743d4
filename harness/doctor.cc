#include "harness/doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

std::string bytes_or_unknown(int64_t bytes) { return bytes < 0 ? "?" : bytes_text(bytes); }

Fact cores(const sim::HostMachine& host) {
  if (host.cores > 1) return {"cores", Health::kOk, fmt::format("{}", host.cores), ""};
  return {"cores", Health::kWarn, fmt::format("{}", host.cores),
          "Give it two or more: Gloo's ranks are threads that wait for each other."};
}

Fact memory(const sim::HostMachine& host) {
  std::string value = fmt::format("{}, {} available", bytes_or_unknown(host.memory_total),
                                  bytes_or_unknown(host.memory_available));
  int64_t free = host.memory_available;
  if (host.memory_limit && *host.memory_limit < host.memory_total) {
    value += fmt::format(", {} at most in this container", bytes_text(*host.memory_limit));
    free = std::min(free, *host.memory_limit);
  }
  if (free < 0 || free >= kGiB) return {"memory", Health::kOk, value, ""};
  return {"memory", Health::kWarn, value,
          "Free some: a model's ranks hold what they write, all in this one process."};
}

Fact huge_pages(const sim::HostMachine& host) {
  if (host.huge_pages.empty()) return {"huge pages", Health::kOk, "none", ""};
  if (host.huge_pages != "always") return {"huge pages", Health::kOk, host.huge_pages, ""};
  return {"huge pages", Health::kWarn, "always",
          "Budgets of committed bytes may count 2 MiB where 4 KiB were written: echo madvise > "
          "/sys/kernel/mm/transparent_hugepage/enabled."};
}

Fact mappings(const sim::HostMachine& host) {
  constexpr int64_t kUsual = 65530;
  const std::string value = fmt::format("vm.max_map_count {}: up to {} of poisoned memory",
                                        host.mappings_max, bytes_text(host.poisoned_most));
  if (host.mappings_max < 0)
    return {"mappings", Health::kWarn, "vm.max_map_count cannot be read",
            "Mount /proc: without it the usual limit is assumed."};
  if (host.mappings_max >= kUsual) return {"mappings", Health::kOk, value, ""};
  return {"mappings", Health::kWarn, value,
          "Worlds of large models may need more: sysctl -w vm.max_map_count=65530."};
}

Fact address_space(const sim::HostMachine& host) {
  constexpr int64_t kEnough = 64 * kGiB;
  if (host.address_space_max && *host.address_space_max < kEnough)
    return {"addresses", Health::kWarn, bytes_text(*host.address_space_max) + " (ulimit -v)",
            "Raise it, best to unlimited: poisoned memory takes addresses long before RAM."};
  if (host.overcommit == 2)
    return {"addresses", Health::kWarn, "vm.overcommit_memory is 2",
            "Set it to 0 or 1: the kernel now counts memory that nobody has written."};
  return {"addresses", Health::kOk,
          host.address_space_max ? bytes_text(*host.address_space_max) : "unlimited", ""};
}

Fact page_map(const sim::HostMachine& host) {
  if (host.scans_pagemap) return {"page map", Health::kOk, "PAGEMAP_SCAN", ""};
  return {"page map", Health::kWarn, "no PAGEMAP_SCAN",
          "Committed bytes may be too many where memory was only read: Linux 6.7 or later tells."};
}

Fact torch(const sim::HostMachine& host) {
  return {"libtorch", Health::kOk, fmt::format("{}, kernels for {}", host.torch,
                                               host.cpu_capability), ""};
}

Fact backend(const sim::BackendTrial& trial) {
  const std::string topic = "backend " + trial.name;
  if (trial.why_not.empty())
    return {topic, Health::kOk,
            fmt::format("{} met and broadcast a tensor", count_text(trial.ranks, "rank")), ""};
  if (trial.needs_device)
    return {topic, Health::kNo, trial.why_not, "Use gloo or sim, which need no GPU."};
  if (trial.name == "gloo")
    return {topic, Health::kNo, trial.why_not,
            "See that the interface lo is up and enough files allowed (ulimit -n); sim needs "
            "neither."};
  return {topic, Health::kNo, trial.why_not, "This is a bug of loadproof: report it."};
}

Fact device(const sim::DeviceTrial& trial) {
  const std::string topic = "device " + trial.name;
  if (trial.why_not.empty()) return {topic, Health::kOk, "a tensor was poisoned, and read", ""};
  return {topic, Health::kNo, trial.why_not,
          trial.name == "cuda" ? "Use fenced to find who reads a device's memory from the host."
                               : "This is a bug of loadproof: report it."};
}

// What could not be asked is told once, by the backend.
std::vector<Fact> cuda(const sim::CudaMachine& seen) {
  std::vector<Fact> found;
  const bool is_loaded = !seen.nccl.empty();
  found.push_back(is_loaded ? Fact{"NCCL", Health::kOk, seen.nccl, ""}
                            : Fact{"NCCL", Health::kNo, "not loaded", ""});
  if (is_loaded)
    found.push_back({"CUDA", seen.driver.empty() ? Health::kNo : Health::kOk,
                     fmt::format("runtime {}, driver {}", seen.runtime,
                                 seen.driver.empty() ? "none" : "for " + seen.driver),
                     ""});
  for (size_t i = 0; i < seen.devices.size(); ++i) {
    const sim::CudaDevice& device = seen.devices[i];
    found.push_back({fmt::format("GPU {}", i),
                     device.memory_free < kGiB ? Health::kWarn : Health::kOk,
                     fmt::format("{}, {}, {} free", device.name, bytes_text(device.memory_total),
                                 bytes_text(device.memory_free)),
                     device.memory_free < kGiB ? "Free its memory: somebody else uses it." : ""});
  }
  if (seen.devices.empty())
    found.push_back({"GPUs", Health::kNo, is_loaded ? seen.why_none : "not asked", ""});
  return found;
}

Fact launch(const std::vector<std::string>& variables) {
  if (variables.empty()) return {"launcher", Health::kOk, "none", ""};
  return {"launcher", Health::kWarn, list_text(variables, 8),
          "run --processes is one rank of these; without it each process runs all ranks."};
}

}  // namespace

std::string_view name(Health health) {
  return health == Health::kOk ? "ok" : health == Health::kWarn ? "warn" : "no";
}

std::vector<Fact> findings(const Machine& machine) {
  const sim::HostMachine& host = machine.host;
  std::vector<Fact> all = {cores(host),         memory(host),   huge_pages(host), mappings(host),
                              address_space(host), page_map(host), torch(host)};
  for (const sim::BackendTrial& trial : machine.backends) all.push_back(backend(trial));
  for (const sim::DeviceTrial& trial : machine.devices) all.push_back(device(trial));
  for (Fact& finding : cuda(machine.cuda)) all.push_back(std::move(finding));
  all.push_back(launch(machine.launch));
  return all;
}

bool cpu_backends_work(const Machine& machine) {
  return std::ranges::all_of(machine.backends, [](const sim::BackendTrial& trial) {
    return trial.needs_device || trial.why_not.empty();
  });
}

std::string doctor_text(const std::vector<Fact>& findings) {
  size_t widest = 0;
  for (const Fact& finding : findings) widest = std::max(widest, finding.topic.size());
  std::string text;
  for (const Fact& finding : findings) {
    text += fmt::format("{:<{}}  {:<4}  {}\n", finding.topic, widest, name(finding.health),
                        finding.value);
    if (!finding.advice.empty()) text += fmt::format("{:<{}}{}\n", "", widest + 8, finding.advice);
  }
  return text;
}

}  // namespace loadproof::harness
