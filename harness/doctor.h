// What a machine's facts mean for a person: findings in lines, and for programs as JSON.
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/machine.h"

namespace loadproof::harness {

enum class Health : uint8_t { kOk, kWarn, kNo };
std::string_view name(Health health);

struct Fact {
  std::string topic;
  Health health = Health::kOk;
  std::string value;   // what was seen, or why not
  std::string advice;  // one sentence of what to do; empty where all is well
  bool operator==(const Fact&) const = default;
};

struct Machine {
  sim::HostMachine host;
  sim::CudaMachine cuda;
  std::vector<sim::BackendTrial> backends;
  std::vector<sim::DeviceTrial> devices;
  std::vector<std::string> launch;  // NAME=VALUE
};

std::vector<Fact> findings(const Machine& machine);

// Whether every backend that needs no device works.
bool cpu_backends_work(const Machine& machine);

// A line a finding in aligned columns, its advice below it.
std::string doctor_text(const std::vector<Fact>& findings);
std::string doctor_json(const Machine& machine);

}  // namespace loadproof::harness
