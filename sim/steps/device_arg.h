// The `device` argument that several verbs share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/device.h"
#include "sim/program.h"

namespace loadproof::sim {

inline constexpr std::string_view kDeviceNames = "cpu cuda";

// Nothing: it is left out.
inline std::optional<Device> device_of(const Step& step) {
  const std::string* name = optional_arg<std::string>(step, "device");
  if (!name) return std::nullopt;
  return *name == "cuda" ? Device::kCuda : Device::kCpu;
}

}  // namespace loadproof::sim
