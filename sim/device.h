// Where memory is, and how much of it is used.
//
// Tensors of a simulated device are in the host's memory as all others are: which device they are
// on is a label that steps set, and that budgets ask for. Values only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace loadproof {

// torch's own names: the memory of the host, or that of the accelerator that the rank runs on.
enum class Device : uint8_t { kCpu, kCuda };
inline constexpr size_t kDevices = 2;
constexpr std::string_view name(Device device) { return device == Device::kCpu ? "cpu" : "cuda"; }

// Bytes. Resident are those that somebody has written: a page that nobody touched costs nothing,
// and neither do zeros that the kernel gives lazily, nor a mapped file that is only read. Reserved
// is all storage, with those.
struct MemoryUse {
  int64_t resident = 0, reserved = 0;
  MemoryUse& operator+=(const MemoryUse& other) {
    resident += other.resident;
    reserved += other.reserved;
    return *this;
  }
  MemoryUse& operator-=(const MemoryUse& other) {
    resident -= other.resident;
    reserved -= other.reserved;
    return *this;
  }
  // Each to the larger of the two.
  MemoryUse& raise_to(const MemoryUse& other) {
    resident = std::max(resident, other.resident);
    reserved = std::max(reserved, other.reserved);
    return *this;
  }
  bool operator==(const MemoryUse&) const = default;
};

template <typename T>
struct ByDevice {
  std::array<T, kDevices> values{};
  T& operator[](Device device) { return values[static_cast<size_t>(device)]; }
  const T& operator[](Device device) const { return values[static_cast<size_t>(device)]; }
  bool operator==(const ByDevice&) const = default;
};

}  // namespace loadproof
