// Any bytes as a safetensors file: it is refused with a message, or what was read keeps the
// promises of sim/checkpoint/safetensors.h and survives being written and read again.
#include <algorithm>
#include <vector>

#include "sim/check.h"
#include "sim/checkpoint/safetensors.h"
#include "sim/checkpoint/writer.h"

using namespace loadproof;
using namespace loadproof::sim;

namespace {

void check_message(const std::string& message) {
  SIM_CHECK(message.starts_with("file: "), "the message does not name the file: {}", message);
  SIM_CHECK(message.back() != '\n', "the message ends with a newline");
  for (char c : message)
    SIM_CHECK(c == '\n' || static_cast<unsigned char>(c) >= 0x20, "a control character gets out");
}

void check_layout(const SafetensorsHeader& header, size_t file_size) {
  int64_t at = 0;
  for (const TensorEntry& tensor : header.tensors) {
    SIM_CHECK(tensor.begin == at && tensor.end >= at, "{} is out of place", tensor.name);
    SIM_CHECK(byte_size(tensor.dtype, tensor.shape) == tensor.end - at, "{} is off", tensor.name);
    at = tensor.end;
  }
  SIM_CHECK(header.data_offset + at == static_cast<int64_t>(file_size), "the file is not covered");
}

std::vector<TensorToWrite> content(const SafetensorsHeader& header,
                                   std::span<const std::byte> file) {
  std::vector<TensorToWrite> tensors;
  for (const TensorEntry& tensor : header.tensors)
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape,
                       file.subspan(static_cast<size_t>(header.data_offset + tensor.begin),
                                    static_cast<size_t>(tensor.end - tensor.begin))});
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return tensors;
}

bool same(const TensorToWrite& a, const TensorToWrite& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape &&
         std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

// The same bytes with a header length that ends the header at the last '}'. Most changes to a
// header make its length wrong; without this they would all be refused for that alone.
std::vector<std::byte> with_length_mended(std::span<const std::byte> file) {
  std::vector<std::byte> mended(file.begin(), file.end());
  const auto last = std::find(mended.rbegin(), mended.rend(), std::byte{'}'});
  const auto end = static_cast<size_t>(mended.rend() - last);
  if (end <= 8) return mended;
  for (size_t i = 0; i < 8; ++i) mended[i] = static_cast<std::byte>((end - 8) >> (8 * i));
  return mended;
}

void check_file(std::span<const std::byte> file) {
  const auto header = parse_safetensors(file, "file");
  if (!header) {
    check_message(header.error().message);
    return;
  }
  check_layout(*header, file.size());

  const auto tensors = content(*header, file);
  const auto written = serialize_safetensors(tensors, header->metadata);
  SIM_CHECK(written, "{}", written.error().message);
  const auto again = parse_safetensors(*written, "again");
  SIM_CHECK(again, "{}", again.error().message);
  SIM_CHECK(again->metadata == header->metadata, "the metadata changed");
  const auto tensors_again = content(*again, *written);
  SIM_CHECK(
      std::equal(tensors.begin(), tensors.end(), tensors_again.begin(), tensors_again.end(), same),
      "the tensors changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  check_file(file);
  check_file(with_length_mended(file));
  return 0;
}
