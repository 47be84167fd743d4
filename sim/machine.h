// What this machine can do for loadproof, as plain values without a torch header; what each means
// for a person is told by harness/doctor.h.
//
// Everything here is asked anew at each call and nothing is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/backends/cuda_machine.h"

namespace loadproof::sim {

struct HostMachine {
  int cores = 0;                     // that this process may run on
  int64_t memory_total = 0;          // bytes; -1: unknown, here and below
  int64_t memory_available = 0;
  std::optional<int64_t> memory_limit;  // that of the control group
  std::string huge_pages;            // "always", "madvise", "never"; "": the kernel has none
  int64_t mappings_max = -1;         // vm.max_map_count
  int64_t overcommit = -1;           // vm.overcommit_memory
  int64_t poisoned_most = 0;         // bytes of the largest block of the poison allocator
  std::optional<int64_t> address_space_max;  // ulimit -v, in bytes
  bool scans_pagemap = false;        // the kernel has PAGEMAP_SCAN
  std::string torch;                 // "2.11.0"
  std::string cpu_capability;        // "AVX512": which of its kernels torch runs
  bool operator==(const HostMachine&) const = default;
};

HostMachine look_at_host();

// A backend that was tried: a world of so many ranks, in which rank 0 broadcast a tensor.
struct BackendTrial {
  std::string name, about;
  bool needs_device = false;
  int ranks = 0;
  std::string why_not;  // empty: it works
  bool operator==(const BackendTrial&) const = default;
};

// Of every backend of the table, in its order. `devices`: how many GPUs there are.
std::vector<BackendTrial> try_backends(size_t devices);

// A device on which tensors can be: a tensor was put there, held the fill, and came back.
struct DeviceTrial {
  std::string name, about;
  std::string why_not;  // empty: it works
  bool operator==(const DeviceTrial&) const = default;
};

// Of every device of the table, in its order.
std::vector<DeviceTrial> try_devices();

// `why_none` also tells why the library that would ask could not be opened.
CudaMachine look_at_cuda();
// The same, but without a look where there is no driver: then there is no device either, and what
// would ask for one takes a second to load.
CudaMachine look_for_devices();

// What a launcher (torchrun, Slurm, Open MPI, MPICH) has left in the environment, in its order:
// NAME=VALUE of ranks, sizes and addresses, NAME of the others, which may be secrets.
// REQUIRES: a list that ends with a null pointer, as environ.
std::vector<std::string> launch_variables(const char* const* environment);

// Of texts of /proc and /sys: the word in brackets, "" if none; and bytes of a key of
// /proc/meminfo, -1 if there is no such line.
std::string chosen_word(std::string_view text);
int64_t meminfo_bytes(std::string_view text, std::string_view key);

}  // namespace loadproof::sim
