#include "sim/accelerators.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sim/backends/nccl_part.h"
#include "sim/check.h"
#include "sim/fenced/accelerator.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

Result<Accelerator*> open_host() { return nullptr; }

Result<Accelerator*> open_cuda() {
  Result<NcclPart*> part = open_nccl_part(nccl_part_file());
  if (!part) return tl::make_unexpected(part.error());
  return (*part)->accelerator(device_ledger());
}

Result<Accelerator*> open_fenced() { return &fenced_accelerator(); }

struct Row {
  DeviceInfo info;
  Result<Accelerator*> (*open)();
};

constexpr Row kDevices[] = {
    {{"cpu", "the host's memory, where a rank's device is only a label"}, open_host},
    {{"cuda", "GPUs; ranks share them where there are fewer, and need the backend nccl else"},
     open_cuda},
    {{"fenced",
      "host memory that the host may not touch, as a GPU's: finds who does, and needs no GPU"},
     open_fenced},
};

// Those that were opened, by torch's type.
std::vector<std::pair<at::DeviceType, Accelerator*>>& opened() {
  static std::vector<std::pair<at::DeviceType, Accelerator*>> all;
  return all;
}

Accelerator& of(const at::Tensor& tensor) {
  for (const auto& [type, accelerator] : opened())
    if (type == tensor.device().type()) return *accelerator;
  SIM_CHECK(false, "a tensor is on {}, which nobody opened", tensor.device().str());
}

}  // namespace

std::span<const DeviceInfo> device_infos() {
  static const std::vector<DeviceInfo> infos = [] {
    std::vector<DeviceInfo> all;
    for (const Row& row : kDevices) all.push_back(row.info);
    return all;
  }();
  return infos;
}

Result<Accelerator*> open_accelerator(std::string_view device) {
  std::string known;
  for (const Row& row : kDevices) {
    if (row.info.name == device) {
      Result<Accelerator*> found = row.open();
      if (found && *found) {
        const at::DeviceType type = (*found)->device_of(0).type();
        const auto same = [&](const auto& one) { return one.first == type; };
        if (std::ranges::none_of(opened(), same)) opened().emplace_back(type, *found);
      }
      return found;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.info.name);
  }
  return fail(fmt::format("no device is named \"{}\"; there are {}", device, known));
}

ElementCounts count_elements(const at::Tensor& values) {
  if (!values.is_cpu()) return of(values).count(values);
  return count_elements(data_of(values), values.numel(), dtype_of(values));
}

bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  SIM_CHECK(bytes_of(a) == bytes_of(b) && a.device() == b.device(), "{} and {} bytes on {} and {}",
            bytes_of(a), bytes_of(b), a.device().str(), b.device().str());
  if (!a.is_cpu()) return !of(a).first_difference(a, b);
  return !first_difference(data_of(a), data_of(b), bytes_of(a));
}

bool digests_in_place(const at::Tensor& values) {
  return !values.is_cpu() && !values.is_meta() &&
         static_cast<size_t>(bytes_of(values)) >= kDigestTreeFrom;
}

uint64_t digest_of(const at::Tensor& values, uint64_t seed) {
  SIM_CHECK(values.is_contiguous(), "a digest of a tensor that is not contiguous");
  if (digests_in_place(values)) return digest_of_blocks(of(values).block_digests(values), seed);
  const at::Tensor here = on_host(values);
  return digest(data_of(here), static_cast<size_t>(bytes_of(here)), seed);
}

at::Tensor on_host(const at::Tensor& tensor) {
  return tensor.is_meta() ? tensor : tensor.to(at::kCPU);
}

void bring_together(std::vector<at::Tensor>& tensors) {
  const auto away = std::ranges::find_if(
      tensors, [](const at::Tensor& one) { return !one.is_cpu() && !one.is_meta(); });
  if (away == tensors.end()) return;
  const at::Device place = away->device();
  for (at::Tensor& one : tensors)
    if (one.is_cpu()) one = one.to(place);
}

at::Generator generator_for(const at::Tensor& tensor, uint64_t seed) {
  return tensor.is_cpu() ? new_generator(seed) : of(tensor).generator(tensor.device(), seed);
}

}  // namespace loadproof::sim
