#include "sim/memory/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "sim/check.h"
#include "sim/memory/account.h"
#include "sim/memory/committed.h"

namespace loadproof::sim {

std::string Account::owner() const {
  return rank_ == kUnattributed ? "a thread of no rank" : fmt::format("rank {}", rank_);
}

bool Account::charge(int64_t bytes, int step, Generation& generation) {
  const std::lock_guard lock(mutex_);
  if (bytes > limit_ - now_.reserved) return false;
  now_.reserved += bytes;
  ++now_.allocations;
  generation = generation_;
  if (now_.reserved > now_.reserved_peak) {
    now_.reserved_peak = now_.reserved;
    now_.peak_step = step;
  }
  return true;
}

void Account::release(int64_t bytes, Generation generation) {
  const std::lock_guard lock(mutex_);
  if (generation == generation_) now_.reserved -= bytes;
}

void Account::note_mapped(const void* data, size_t bytes, Generation generation) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_) return;
  mapped_.emplace(data, bytes);
  mapped_bytes_ += static_cast<int64_t>(bytes);
}

void Account::drop_mapped(const void* data) {
  const std::lock_guard lock(mutex_);
  const auto found = mapped_.find(data);
  if (found == mapped_.end()) return;  // it was noted before a reset
  mapped_bytes_ -= static_cast<int64_t>(found->second);
  mapped_.erase(found);
}

LedgerReading Account::read() {
  const std::lock_guard lock(mutex_);  // held throughout, so that no block is unmapped meanwhile
  LedgerReading reading = now_;
  reading.committed = now_.reserved - mapped_bytes_;
  for (const auto& [data, bytes] : mapped_) reading.committed += committed_bytes(data, bytes);
  now_.committed_peak = std::max(now_.committed_peak, reading.committed);
  reading.committed_peak = now_.committed_peak;
  return reading;
}

void Account::limit(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_ = bytes;
}

void Account::reset() {
  const std::lock_guard lock(mutex_);
  now_ = {};
  mapped_.clear();
  mapped_bytes_ = 0;
  limit_ = kNoLimit;
  ++generation_;
}

namespace {

// Process-wide because c10's CPU allocator is. It is never destroyed: blocks are freed by static
// destructors of libraries too.
struct Accounts {
  std::mutex mutex;
  // A deque keeps the address of what it holds; index is rank + 1.
  ByDevice<std::deque<Account>> all;

  Account& of(int rank, Device device = Device::kCpu) {
    SIM_CHECK(rank >= kUnattributed, "rank {}", rank);
    const std::lock_guard lock(mutex);
    std::deque<Account>& pages = all[device];
    const size_t index = static_cast<size_t>(rank) + 1;
    while (pages.size() <= index) pages.emplace_back(static_cast<int>(pages.size()) - 1);
    return pages[index];
  }
};

Accounts& accounts() {
  static Accounts& all = *new Accounts;
  return all;
}

thread_local Account* current = nullptr;
thread_local int step_now = kNoStep;

}  // namespace

Account& current_account(Device device) {
  if (current == nullptr) current = &accounts().of(kUnattributed);
  return device == Device::kCpu ? *current : accounts().of(current->rank(), device);
}

int current_step() { return step_now; }

RankScope::RankScope(int rank, int step) : before_(current), step_before_(step_now) {
  current = &accounts().of(rank);
  step_now = step;
}

RankScope::~RankScope() {
  current = before_;
  step_now = step_before_;
}

void set_step(int step) { step_now = step; }

CountedMapping::CountedMapping(const void* data, size_t bytes) : account_(current_account()) {
  const auto address = reinterpret_cast<uintptr_t>(data);
  const uintptr_t beyond = address % kPageSize;
  first_ = reinterpret_cast<const void*>(address - beyond);
  bytes_ = bytes + beyond;
  charged_ = account_.charge(static_cast<int64_t>(bytes_), current_step(), generation_);
  if (charged_) account_.note_mapped(first_, bytes_, generation_);
}

CountedMapping::~CountedMapping() {
  if (!charged_) return;
  account_.drop_mapped(first_);
  account_.release(static_cast<int64_t>(bytes_), generation_);
}

LedgerReading read_ledger(int rank, Device device) { return accounts().of(rank, device).read(); }

void sample_ledger(int rank) { accounts().of(rank).read(); }

void limit_rank(int rank, int64_t bytes, Device device) {
  accounts().of(rank, device).limit(bytes);
}

void reset_ledger() {
  Accounts& all = accounts();
  const std::lock_guard lock(all.mutex);
  for (std::deque<Account>& pages : all.all.values)
    for (Account& account : pages) account.reset();
}

}  // namespace loadproof::sim
