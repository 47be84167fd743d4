// Small things that the tests of backends share.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "sim/backends/backend.h"

namespace loadproof::sim {

inline std::unique_ptr<Backend> backend_of(const std::string& name, int ranks) {
  Result<std::unique_ptr<Backend>> made = make_backend(name, ranks);
  if (!made) {
    ADD_FAILURE() << made.error().message;
    std::abort();
  }
  return std::move(*made);
}

inline at::Tensor full_of(int64_t count, double value, at::ScalarType type) {
  return at::full({count}, value, type);
}

// Element i is rank * 16 + i % 13 + 1: it differs by rank and index, and is exact in every type.
inline at::Tensor values_of(int rank, int64_t count, at::ScalarType type) {
  at::Tensor tensor = at::full({count}, 0, at::kFloat);
  for (int64_t i = 0; i < count; ++i)
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(int64_t{16} * rank + i % 13 + 1);
  return tensor.to(type);
}

inline std::vector<uint8_t> bytes_of(const at::Tensor& tensor) {
  std::vector<uint8_t> bytes(tensor.nbytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), tensor.const_data_ptr(), bytes.size());
  return bytes;
}

inline std::vector<int> first_ranks(int count) {
  std::vector<int> ranks(static_cast<size_t>(count));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

inline Transfer transfer_of(Collective op, const std::vector<int>& ranks, int source = 0) {
  Transfer transfer;
  transfer.op = op;
  transfer.source = source;
  for (int rank : ranks) transfer.members.push_back({rank, {}, {}});
  return transfer;
}

// Every tensor that a transfer's members hold, byte by byte and in order.
inline std::vector<std::vector<uint8_t>> everything(const Transfer& transfer) {
  std::vector<std::vector<uint8_t>> all;
  for (const Member& member : transfer.members) {
    for (const at::Tensor& tensor : member.in) all.push_back(bytes_of(tensor));
    for (const at::Tensor& tensor : member.out) all.push_back(bytes_of(tensor));
  }
  return all;
}

}  // namespace loadproof::sim
