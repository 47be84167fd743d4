#include "sim/memory/device_ledger.h"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "sim/check.h"
#include "sim/memory/account.h"

namespace loadproof::sim {
namespace {

class Ledger final : public DeviceLedger {
 public:
  std::string charge(const void* block, size_t bytes) override {
    Account& account = current_account(Device::kCuda);
    Charge charge{&account, static_cast<int64_t>(bytes)};
    if (!account.charge(charge.bytes, current_step(), charge.generation))
      return fmt::format("no memory: {} asked for {} bytes of its device, and its limit allows no "
                         "more",
                         account.owner(), bytes);
    const std::lock_guard lock(mutex_);
    const bool is_new = charges_.emplace(block, charge).second;
    SIM_CHECK(is_new, "device memory at {} is handed out twice", block);
    return "";
  }

  void release(const void* block) override {
    const std::lock_guard lock(mutex_);
    const auto found = charges_.find(block);
    SIM_CHECK(found != charges_.end(), "device memory at {} is freed that nobody holds", block);
    found->second.account->release(found->second.bytes, found->second.generation);
    charges_.erase(found);
  }

 private:
  struct Charge {
    Account* account;
    int64_t bytes;
    Account::Generation generation = 0;
  };

  std::mutex mutex_;
  std::map<const void*, Charge> charges_;
};

}  // namespace

// Never destroyed: libraries free tensors in their static destructors.
DeviceLedger& device_ledger() {
  static Ledger& ledger = *new Ledger;
  return ledger;
}

}  // namespace loadproof::sim
