#include "sim/checkpoint/damage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/checkpoint/nearest.h"

namespace loadproof::sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;
constexpr HeaderRules kAnyLayout{.any_layout = true, .trailing = true};

// Not made as one object of the library, which would hold a key once.
std::vector<std::byte> head_of(const SafetensorsHeader& header) {
  std::vector<std::string> members;
  if (!header.metadata.empty())
    members.push_back(
        fmt::format("{}:{}", Json(kMetadataKey).dump(), Json(header.metadata).dump()));
  for (const TensorEntry& entry : header.tensors)
    members.push_back(fmt::format(
        "{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", Json(entry.name).dump(),
        safetensors_name(entry.dtype), fmt::join(entry.shape, ","), entry.begin, entry.end));
  std::string text = fmt::format("{{{}}}", fmt::join(members, ","));
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string head;
  for (size_t i = 0; i < kLengthBytes; ++i)
    head += static_cast<char>(static_cast<unsigned char>(text.size() >> (8 * i)));
  head += text;
  const auto bytes = std::as_bytes(std::span(head));
  return {bytes.begin(), bytes.end()};
}

Result<void> change_entry(TensorEntry& entry, std::string_view file_name,
                          const HeaderChange& change) {
  if (change.dtype) entry.dtype = *change.dtype;
  if (change.shape) entry.shape = *change.shape;
  if (!change.rename.empty()) entry.name = change.rename;
  if (entry.begin + change.offset < 0)
    return fail(fmt::format("{}: {} cannot begin {} bytes before byte {} of the data", file_name,
                            change.tensor, -change.offset, entry.begin));
  entry.begin += change.offset;
  entry.end += change.offset;
  return {};
}

}  // namespace

Result<int64_t> data_offset_of(const std::vector<std::byte>& file, std::string_view file_name) {
  uint64_t length = 0;
  for (size_t i = std::min(kLengthBytes, file.size()); i-- > 0;)
    length = length << 8 | std::to_integer<uint64_t>(file[i]);
  if (file.size() < kLengthBytes || length > file.size() - kLengthBytes)
    return fail(fmt::format("{} ends before its data", file_name));
  return static_cast<int64_t>(kLengthBytes + length);
}

Result<std::optional<TensorEntry>> entry_of(const std::vector<std::byte>& file,
                                            std::string_view file_name, std::string_view tensor) {
  const auto header = parse_safetensors(file, file_name, kAnyLayout);
  if (!header) return tl::make_unexpected(header.error());
  const auto found = std::ranges::find(header->tensors, tensor, &TensorEntry::name);
  if (found == header->tensors.end()) return std::optional<TensorEntry>();
  return std::optional(*found);
}

Result<void> change_header(std::vector<std::byte>& file, std::string_view file_name,
                           const HeaderChange& change) {
  auto header = parse_safetensors(file, file_name, kAnyLayout);
  if (!header) return tl::make_unexpected(header.error());
  const auto found = std::ranges::find(header->tensors, change.tensor, &TensorEntry::name);
  if (found == header->tensors.end())
    return fail(fmt::format("{} has no tensor {}", file_name, in_quotes(change.tensor)));
  const int64_t data_size = static_cast<int64_t>(file.size()) - header->data_offset;
  TensorEntry second = *found;
  if (auto changed = change_entry(*found, file_name, change); !changed) return changed;
  if (change.again) {
    second.begin = data_size;
    second.end = data_size + static_cast<int64_t>(change.again->size());
    header->tensors.push_back(second);
    file.insert(file.end(), change.again->begin(), change.again->end());
  }
  std::vector<std::byte> changed = head_of(*header);
  changed.insert(changed.end(), file.begin() + header->data_offset, file.end());
  file = std::move(changed);
  return {};
}

}  // namespace loadproof::sim
