// Gloo and NCCL between processes, one rank in each: the store at which they find each other, and
// the backend that moves the bytes of the one rank that is here.
//
// The store is c10d's TCPStore, as torch.distributed uses it; the groups of a world are prefixes in
// it. A backend is handed transfers in which only its own rank's tensors have bytes; all processes
// must be handed theirs in one order. Used by one thread; nothing here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sim/backends/backend.h"
#include "sim/result.h"

namespace loadproof::sim {

class JobStore {
 public:
  virtual ~JobStore() = default;
  virtual Result<void> set(const std::string& key, const std::string& value) = 0;
  // Waits until somebody has set it.
  virtual Result<std::string> get(const std::string& key) = 0;
  // Over Gloo, for rank `rank` of `ranks`. `address`: of this host, as the others reach it; where
  // GLOO_SOCKET_IFNAME is set, that interface counts. The store must outlive the backend. While a
  // transfer waits, it asks whether that is given_up().
  virtual std::unique_ptr<Backend> make_backend(int rank, int ranks, const std::string& address,
                                                std::function<bool()> given_up = {}) = 0;
  // Over NCCL, for the same rank, on that device of this host. An error where there is none.
  virtual Result<std::unique_ptr<Backend>> make_nccl_backend(
      int rank, int ranks, int device, std::function<bool()> given_up = {}) = 0;
};

struct JobStoreOptions {
  std::string host;
  uint16_t port = 0;
  bool serves = false;  // the store is in this process
  std::chrono::milliseconds timeout{60'000};  // for whoever does not come
};

Result<std::unique_ptr<JobStore>> open_job_store(const JobStoreOptions& options);

}  // namespace loadproof::sim
