#include <nlohmann/json.hpp>

#include "harness/doctor.h"

namespace loadproof::harness {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json known(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json host_of(const sim::HostMachine& host) {
  return {{"cores", host.cores},
          {"memory_total", host.memory_total},
          {"memory_available", host.memory_available},
          {"memory_limit", known(host.memory_limit)},
          {"huge_pages", host.huge_pages},
          {"mappings_max", host.mappings_max},
          {"overcommit", host.overcommit},
          {"poisoned_most", host.poisoned_most},
          {"address_space_max", known(host.address_space_max)},
          {"scans_pagemap", host.scans_pagemap},
          {"torch", host.torch},
          {"cpu_capability", host.cpu_capability}};
}

Json cuda_of(const sim::CudaMachine& cuda) {
  Json devices = Json::array();
  for (const sim::CudaDevice& device : cuda.devices)
    devices.push_back({{"name", device.name},
                       {"memory_total", device.memory_total},
                       {"memory_free", device.memory_free}});
  return {{"nccl", cuda.nccl},
          {"driver", cuda.driver},
          {"runtime", cuda.runtime},
          {"devices", devices},
          {"why_none", cuda.why_none}};
}

}  // namespace

std::string doctor_json(const Machine& machine) {
  Json all = Json::array(), backends = Json::array();
  for (const Fact& finding : findings(machine))
    all.push_back({{"topic", finding.topic},
                   {"health", name(finding.health)},
                   {"value", finding.value},
                   {"advice", finding.advice}});
  for (const sim::BackendTrial& trial : machine.backends)
    backends.push_back({{"name", trial.name},
                        {"about", trial.about},
                        {"needs_device", trial.needs_device},
                        {"ranks", trial.ranks},
                        {"works", trial.why_not.empty()},
                        {"why_not", trial.why_not}});
  Json devices = Json::array();
  for (const sim::DeviceTrial& trial : machine.devices)
    devices.push_back({{"name", trial.name},
                       {"about", trial.about},
                       {"works", trial.why_not.empty()},
                       {"why_not", trial.why_not}});
  const Json json = {{"schema_version", 1},
                     {"cpu_backends_work", cpu_backends_work(machine)},
                     {"findings", all},
                     {"host", host_of(machine.host)},
                     {"cuda", cuda_of(machine.cuda)},
                     {"backends", backends},
                     {"devices", devices},
                     {"launch", machine.launch}};
  // What the environment and a loader say may be no UTF-8: such bytes are replaced, not refused.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace loadproof::harness
