#include "sim/backends/ring.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "sim/check.h"

namespace loadproof::sim {
namespace {

// Reads and writes go through memcpy because a tensor may begin at any address.
template <typename T, typename Op>
void combine(const std::byte* own, std::byte* arrived, size_t bytes, Op op) {
  for (size_t at = 0; at < bytes; at += sizeof(T)) {
    T mine;
    T theirs;
    std::memcpy(&mine, own + at, sizeof(T));
    std::memcpy(&theirs, arrived + at, sizeof(T));
    const T both = op(mine, theirs);
    std::memcpy(arrived + at, &both, sizeof(T));
  }
}

// Of two NaN the processor keeps the first operand's sign and payload, which in Gloo is one's own;
// a compiler is free to turn an addition round, so it is said here.
template <typename T>
T sum(T own, T arrived) {
  if constexpr (std::is_integral_v<T>) {
    using Wrapping = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Wrapping>(own) + static_cast<Wrapping>(arrived));
  } else {
    return own != own ? static_cast<T>(own + own) : static_cast<T>(own + arrived);
  }
}

// arrived := reduce(own, arrived). std::max(own, arrived) is `own < arrived ? arrived : own`, so a
// NaN of one's own stays and a NaN that arrives is dropped. Hence a NaN survives a maximum only
// where its owner is the last member of the chunk's way or all after it have NaN as well: of two
// ranks' tensors the first half keeps rank 0's NaN alone, the second half rank 1's alone.
template <typename T>
void reduce_as(Reduction reduction, const std::byte* own, std::byte* arrived, size_t bytes) {
  switch (reduction) {
    case Reduction::kSum:
      return combine<T>(own, arrived, bytes, [](T a, T b) { return sum(a, b); });
    case Reduction::kMax:
      return combine<T>(own, arrived, bytes, [](T a, T b) { return std::max(a, b); });
    case Reduction::kMin:
      return combine<T>(own, arrived, bytes, [](T a, T b) { return std::min(a, b); });
  }
  SIM_CHECK(false, "no such reduction: {}", static_cast<int>(reduction));
}

// As in torch, a bool is reduced as a byte (so a sum of trues is not 1), and integers wrap around.
void reduce(c10::ScalarType type, Reduction reduction, const std::byte* own, std::byte* arrived,
            size_t bytes) {
  switch (type) {
    case c10::ScalarType::Float: return reduce_as<float>(reduction, own, arrived, bytes);
    case c10::ScalarType::Double: return reduce_as<double>(reduction, own, arrived, bytes);
    case c10::ScalarType::Half: return reduce_as<c10::Half>(reduction, own, arrived, bytes);
    case c10::ScalarType::BFloat16: return reduce_as<c10::BFloat16>(reduction, own, arrived, bytes);
    case c10::ScalarType::Char: return reduce_as<int8_t>(reduction, own, arrived, bytes);
    case c10::ScalarType::Byte:
    case c10::ScalarType::Bool: return reduce_as<uint8_t>(reduction, own, arrived, bytes);
    case c10::ScalarType::Int: return reduce_as<int32_t>(reduction, own, arrived, bytes);
    case c10::ScalarType::Long: return reduce_as<int64_t>(reduction, own, arrived, bytes);
    default: SIM_CHECK(false, "all_reduce of {}", c10::toString(type));
  }
}

size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Bytes of a member's chunk: gloo/allreduce.cc cuts the tensor into segments, at least two a member
// and at most 1 MiB each (gloo/allreduce.h, kMaxSegmentSize), and rounds a segment up to whole
// elements. The last chunks may be short or empty.
size_t chunk_bytes(size_t total, size_t item, size_t members) {
  constexpr size_t kSegmentMax = size_t{1024} * 1024;
  const size_t wanted = (total + kSegmentMax - 1) / kSegmentMax;
  const size_t segments = round_up(std::max(wanted, members * 2), members);
  return segments / members * round_up((total + segments - 1) / segments, item);
}

}  // namespace

void all_reduce_in_ring(const Transfer& transfer) {
  const std::vector<Member>& members = transfer.members;
  const size_t count = members.size();
  const size_t total = members[0].out[0].nbytes();
  if (count == 1 || total == 0) return;
  const auto data = [&](size_t i, size_t offset) {
    return static_cast<std::byte*>(members[i].out[0].mutable_data_ptr()) + offset;
  };
  const size_t chunk = chunk_bytes(total, members[0].out[0].itemsize(), count);
  std::vector<std::byte> travelling(std::min(chunk, total));
  for (size_t end = 0; end * chunk < total; ++end) {
    const size_t offset = end * chunk;
    const size_t bytes = std::min(chunk, total - offset);
    std::memcpy(travelling.data(), data((end + count - 1) % count, offset), bytes);
    for (size_t hop = 2; hop <= count; ++hop) {
      const size_t i = (end + count - hop) % count;
      reduce(members[i].out[0].scalar_type(), transfer.reduction, data(i, offset),
             travelling.data(), bytes);
    }
    for (size_t i = 0; i < count; ++i) std::memcpy(data(i, offset), travelling.data(), bytes);
  }
}

}  // namespace loadproof::sim
