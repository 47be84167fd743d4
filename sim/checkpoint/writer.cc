#include "sim/checkpoint/writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>
#include <tuple>

#include "sim/checkpoint/nearest.h"
#include "sim/checkpoint/safetensors.h"

namespace loadproof::sim {
namespace {

constexpr size_t kAlignment = 8;

// The file's first part, and its tensors in the order in which their bytes follow.
struct Layout {
  std::string head;  // length and padded header
  std::vector<const TensorToWrite*> order;
};

// The place of a dtype in the real library's order, which sorts its enumeration (safetensors'
// tensor.rs, `enum Dtype`) downwards.
int order_of(DType dtype) {
  switch (dtype) {
    case DType::kInt64:
      return 0;
    case DType::kFloat64:
      return 1;
    case DType::kFloat32:
      return 2;
    case DType::kInt32:
      return 3;
    case DType::kBFloat16:
      return 4;
    case DType::kFloat16:
      return 5;
    case DType::kInt16:
      return 6;
    case DType::kFloat8E4m3fn:
      return 7;
    case DType::kFloat8E5m2:
      return 8;
    case DType::kInt8:
      return 9;
    case DType::kUint8:
      return 10;
    case DType::kBool:
      return 11;
  }
  return 12;
}

Result<std::string> json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    return fail(fmt::format("cannot write {}: it is not UTF-8", in_quotes(text)));
  }
}

Result<void> check(const TensorToWrite& tensor) {
  const auto wrong = [&](const std::string& what) {
    return fail(fmt::format("cannot write tensor {}: {}", in_quotes(tensor.name), what));
  };
  if (tensor.name == kMetadataKey) return wrong("its name is reserved");
  for (int64_t extent : tensor.shape)
    if (extent < 0) return wrong(fmt::format("its shape {} has a negative extent", tensor.shape));
  const auto bytes = byte_size(tensor.dtype, tensor.shape);
  if (!bytes || *bytes != static_cast<int64_t>(tensor.bytes.size()))
    return wrong(fmt::format("{} {} does not have {} bytes", safetensors_name(tensor.dtype),
                             tensor.shape, tensor.bytes.size()));
  return {};
}

Result<std::string> metadata_json(const SafetensorsMetadata& metadata) {
  std::string json;
  for (const auto& [key, value] : metadata) {
    const auto key_json = json_string(key);
    if (!key_json) return key_json;
    const auto value_json = json_string(value);
    if (!value_json) return value_json;
    json += fmt::format("{}{}:{}", json.empty() ? "" : ",", *key_json, *value_json);
  }
  return fmt::format("\"{}\":{{{}}}", kMetadataKey, json);
}

Result<std::string> header_json(const Layout& layout, const SafetensorsMetadata& metadata) {
  std::string json;
  if (!metadata.empty()) {
    auto text = metadata_json(metadata);
    if (!text) return text;
    json = std::move(*text);
  }
  size_t offset = 0;
  for (const TensorToWrite* tensor : layout.order) {
    const auto name = json_string(tensor->name);
    if (!name) return name;
    const size_t end = offset + tensor->bytes.size();
    fmt::format_to(std::back_inserter(json),
                   "{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                   json.empty() ? "" : ",", *name, safetensors_name(tensor->dtype),
                   fmt::join(tensor->shape, ","), offset, end);
    offset = end;
  }
  return "{" + json + "}";
}

Result<Layout> lay_out(std::span<const TensorToWrite> tensors,
                       const SafetensorsMetadata& metadata) {
  Layout layout;
  for (const TensorToWrite& tensor : tensors) {
    if (const auto sound = check(tensor); !sound) return tl::make_unexpected(sound.error());
    layout.order.push_back(&tensor);
  }
  std::sort(layout.order.begin(), layout.order.end(), [](const auto* a, const auto* b) {
    return std::make_tuple(order_of(a->dtype), std::string_view(a->name)) <
           std::make_tuple(order_of(b->dtype), std::string_view(b->name));
  });
  std::vector<std::string_view> names;
  for (const TensorToWrite* tensor : layout.order) names.push_back(tensor->name);
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return fail(fmt::format("cannot write tensor {}: its name is used twice", in_quotes(*twice)));

  auto json = header_json(layout, metadata);
  if (!json) return tl::make_unexpected(json.error());
  json->resize((json->size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (json->size() > size_t{kHeaderLengthMax})
    return fail(fmt::format("cannot write a header of {} bytes, over the limit of {}", json->size(),
                            kHeaderLengthMax));
  for (size_t i = 0; i < 8; ++i)
    layout.head += static_cast<char>(static_cast<unsigned char>(json->size() >> (8 * i)));
  layout.head += *json;
  return layout;
}

// A file beside its final place, which it takes by keep(); without that it is removed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& path)
      : path_(path), temporary_(path.string() + ".XXXXXX"), number_(::mkstemp(temporary_.data())) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (number_ < 0) return;
    ::close(number_);
    if (!kept_) ::unlink(temporary_.c_str());
  }

  bool is_open() const { return number_ >= 0; }

  bool write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(number_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return true;
  }

  // Holes, after what has been written.
  bool extend(size_t written, size_t bytes) {
    return ::ftruncate(number_, static_cast<off_t>(written + bytes)) == 0;
  }

  // mkstemp lets nobody else read the file; a checkpoint is for everybody, as the real library's.
  bool keep() {
    kept_ = ::fchmod(number_, 0644) == 0 && ::rename(temporary_.c_str(), path_.c_str()) == 0;
    return kept_;
  }

 private:
  const std::filesystem::path path_;
  std::string temporary_;
  const int number_;
  bool kept_ = false;
};

}  // namespace

Result<std::vector<std::byte>> serialize_safetensors(std::span<const TensorToWrite> tensors,
                                                     const SafetensorsMetadata& metadata) {
  const auto layout = lay_out(tensors, metadata);
  if (!layout) return tl::make_unexpected(layout.error());
  const auto head = std::as_bytes(std::span(layout->head));
  std::vector<std::byte> file(head.begin(), head.end());
  for (const TensorToWrite* tensor : layout->order)
    file.insert(file.end(), tensor->bytes.begin(), tensor->bytes.end());
  return file;
}

Result<void> write_safetensors(const std::filesystem::path& path,
                               std::span<const TensorToWrite> tensors,
                               const SafetensorsMetadata& metadata) {
  const auto layout = lay_out(tensors, metadata);
  if (!layout) return tl::make_unexpected(layout.error());
  TemporaryFile file(path);
  bool good = file.is_open() && file.write(std::as_bytes(std::span(layout->head)));
  for (const TensorToWrite* tensor : layout->order) good = good && file.write(tensor->bytes);
  if (good && file.keep()) return {};
  return fail(
      fmt::format("cannot write {}: {}", path.string(), std::system_category().message(errno)));
}

Result<void> write_hollow_safetensors(const std::filesystem::path& path,
                                      std::span<const TensorToWrite> tensors,
                                      const SafetensorsMetadata& metadata) {
  const auto layout = lay_out(tensors, metadata);
  if (!layout) return tl::make_unexpected(layout.error());
  size_t bytes = 0;
  for (const TensorToWrite* tensor : layout->order) bytes += tensor->bytes.size();
  TemporaryFile file(path);
  const bool good = file.is_open() && file.write(std::as_bytes(std::span(layout->head))) &&
                    file.extend(layout->head.size(), bytes);
  if (good && file.keep()) return {};
  return fail(
      fmt::format("cannot write {}: {}", path.string(), std::system_category().message(errno)));
}

}  // namespace loadproof::sim
