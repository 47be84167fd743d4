// The devices that `--device` can name, without a header of torch.
#pragma once

#include <span>
#include <string_view>

namespace loadproof::sim {

struct DeviceInfo {
  std::string_view name;
  std::string_view about;
};

std::span<const DeviceInfo> device_infos();  // the host's first

}  // namespace loadproof::sim
