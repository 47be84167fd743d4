// What the tests of a device share: the accelerator of the NCCL part, or why there is none, and
// bytes brought back to the host.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "sim/backends/nccl_part.h"

namespace loadproof::sim {

// Everything is on one account.
class OneAccount final : public DeviceLedger {
 public:
  std::string charge(const void* block, size_t bytes) override {
    const std::scoped_lock lock(mutex_);
    if (bytes > limit_)
      return "no memory: rank 0 asked for " + std::to_string(bytes) +
             " bytes, and its limit allows no more";
    if (!held_.emplace(block, bytes).second) ++mistakes_;
    bytes_ += bytes;
    return "";
  }
  void release(const void* block) override {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(block);
    if (found == held_.end()) {
      ++mistakes_;
      return;
    }
    bytes_ -= found->second;
    held_.erase(found);
  }
  size_t bytes() {
    const std::scoped_lock lock(mutex_);
    return bytes_;
  }
  int mistakes() {
    const std::scoped_lock lock(mutex_);
    return mistakes_;
  }
  void limit(size_t bytes) {
    const std::scoped_lock lock(mutex_);
    limit_ = bytes;
  }

 private:
  std::mutex mutex_;
  std::map<const void*, size_t> held_;
  size_t bytes_ = 0, limit_ = SIZE_MAX;
  int mistakes_ = 0;
};

inline OneAccount& account() {
  static OneAccount& one = *new OneAccount;  // outlives every block
  return one;
}

// Whether CUDA is the one of fake_cuda.cc: its memory is the host's, and it runs no kernel of
// torch's, of cuBLAS or of NCCL.
inline bool is_fake() { return std::getenv("LOADPROOF_FAKE_CUDA") != nullptr; }

class OnADevice : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* elsewhere = std::getenv("LOADPROOF_NCCL_PART");
    part = open_nccl_part(elsewhere ? elsewhere : LOADPROOF_NCCL_PART);
    if (!part) GTEST_SKIP() << part.error().message;
    const Result<Accelerator*> made = (*part)->accelerator(account());
    if (!made && ((*part)->machine().devices.empty() || is_fake()))
      GTEST_SKIP() << made.error().message;
    ASSERT_TRUE(made) << made.error().message;
    cuda = *made;
    cuda->set_fill(Fill::kNan);
    account().limit(SIZE_MAX);
    held_before = account().bytes();
  }
  void TearDown() override { EXPECT_EQ(account().mistakes(), 0); }

  at::Tensor empty(int64_t count, at::ScalarType type = at::kByte) {
    return at::empty({count}, at::TensorOptions(type).device(cuda->device_of(0)));
  }
  static std::vector<uint8_t> read(const at::Tensor& tensor) {
    const at::Tensor here = tensor.cpu();
    std::vector<uint8_t> bytes(here.nbytes());
    if (!bytes.empty()) std::memcpy(bytes.data(), here.const_data_ptr(), bytes.size());
    return bytes;
  }
  static std::vector<uint8_t> filled(int64_t bytes, Fill fill) {
    std::vector<uint8_t> all(static_cast<size_t>(bytes));
    fill_bytes(all.data(), all.size(), fill);
    return all;
  }

  Result<NcclPart*> part = nullptr;
  Accelerator* cuda = nullptr;
  size_t held_before = 0;
};

}  // namespace loadproof::sim
