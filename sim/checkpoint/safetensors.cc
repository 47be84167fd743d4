#include "sim/checkpoint/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "sim/checkpoint/nearest.h"
#include "sim/checkpoint/problems.h"
#include "sim/checkpoint/strict_json.h"

namespace loadproof::sim {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLengthBytes = 8;
// A header is an object of objects with two arrays; torch has at most 64 dimensions.
constexpr JsonLimits kHeaderLimits{.depth_max = 3, .array_length_max = 64};
constexpr std::string_view kFields[] = {"dtype", "shape", "data_offsets"};
// Element types that the format defines and that no rank here can hold.
constexpr std::string_view kUnreadDTypes[] = {"F4",          "F6_E2M3",     "F6_E3M2", "F8_E8M0",
                                              "F8_E4M3FNUZ", "F8_E5M2FNUZ", "U16",     "U32",
                                              "U64",         "C64"};

uint64_t little_endian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

std::string unknown_dtype(std::string_view text) {
  std::vector<std::string_view> known;
  for (DType dtype : kAllDTypes) known.push_back(safetensors_name(dtype));
  if (std::find(std::begin(kUnreadDTypes), std::end(kUnreadDTypes), text) !=
      std::end(kUnreadDTypes))
    return fmt::format("has dtype {}, which is not supported here; supported are {}",
                       in_quotes(text), fmt::join(known, ", "));
  std::string meant = did_you_mean(text, known);
  if (meant.empty()) meant = fmt::format("; known are {}", fmt::join(known, ", "));
  return fmt::format("has the unknown dtype {}{}", in_quotes(text), meant);
}

// Reads the fields of one tensor; what is wrong goes into the problems, prefixed with the tensor.
class EntryReader {
 public:
  EntryReader(const Json& fields, std::string_view file_name, Problems& problems)
      : fields_(fields), file_name_(file_name), problems_(problems) {}

  // Fills in what follows the entry's name. False: at least one problem was added and the entry is
  // not usable.
  bool read(TensorEntry& entry) {
    name_ = entry.name;
    if (!fields_.is_object())
      return wrong(fmt::format("is {} instead of an object with dtype, shape and data_offsets",
                               json_kind(fields_)));
    bool good = true;
    for (const auto& [field, value] : fields_.items())
      if (std::find(std::begin(kFields), std::end(kFields), field) == std::end(kFields))
        good = wrong(fmt::format("has the unknown field {}{}", in_quotes(field),
                                 did_you_mean(field, kFields)));
    // Each reader runs, so that each reports.
    const bool parts[] = {read_dtype(entry), read_shape(entry), read_offsets(entry)};
    for (bool part : parts) good = good && part;
    return good && check_size(entry);
  }

 private:
  bool wrong(const std::string& what) {
    problems_.add(fmt::format("{}: tensor {} {}", file_name_, in_quotes(name_), what));
    return false;
  }

  const Json* field(std::string_view name) {
    const auto found = fields_.find(name);
    if (found != fields_.end()) return &*found;
    wrong(fmt::format("has no {}", name));
    return nullptr;
  }

  bool read_dtype(TensorEntry& entry) {
    const Json* value = field("dtype");
    if (value == nullptr) return false;
    if (!value->is_string())
      return wrong(fmt::format("has a dtype that is {} instead of a string", json_kind(*value)));
    const auto& text = value->get_ref<const std::string&>();
    const auto dtype = dtype_of_safetensors(text);
    if (!dtype) return wrong(unknown_dtype(text));
    entry.dtype = *dtype;
    return true;
  }

  bool read_shape(TensorEntry& entry) {
    const Json* value = field("shape");
    return value != nullptr && read_numbers("shape", *value, entry.shape);
  }

  bool read_offsets(TensorEntry& entry) {
    const Json* value = field("data_offsets");
    std::vector<int64_t> offsets;
    if (value == nullptr || !read_numbers("data_offsets", *value, offsets)) return false;
    if (offsets.size() != 2)
      return wrong(fmt::format("has {} data_offsets instead of 2", offsets.size()));
    entry.begin = offsets[0];
    entry.end = offsets[1];
    if (entry.begin > entry.end)
      return wrong(fmt::format("has data_offsets that end before they begin: [{}, {})", entry.begin,
                               entry.end));
    return true;
  }

  bool read_numbers(std::string_view name, const Json& value, std::vector<int64_t>& numbers) {
    if (!value.is_array())
      return wrong(fmt::format("has a {} that is {} instead of an array", name, json_kind(value)));
    for (const Json& number : value) {
      if (!number.is_number_unsigned() || number.get<uint64_t>() > uint64_t{INT64_MAX})
        return wrong(fmt::format("has {} in its {}, which must be whole numbers from 0 to 2^63 - 1",
                                 in_quotes(number.dump(-1, ' ', true)), name));
      numbers.push_back(number.get<int64_t>());
    }
    return true;
  }

  bool check_size(const TensorEntry& entry) {
    const auto bytes = byte_size(entry.dtype, entry.shape);
    const int64_t held = entry.end - entry.begin;
    if (bytes == held) return true;
    const auto shape = fmt::format("{} {}", safetensors_name(entry.dtype), entry.shape);
    if (!bytes) return wrong(fmt::format("has more bytes than 64 bits can count: {}", shape));
    return wrong(fmt::format("needs {} bytes for {}, but its data_offsets [{}, {}) hold {}", *bytes,
                             shape, entry.begin, entry.end, held));
  }

  const Json& fields_;
  const std::string_view file_name_;
  std::string_view name_;
  Problems& problems_;
};

void read_metadata(const Json& value, std::string_view file_name, SafetensorsHeader& header,
                   Problems& problems) {
  if (!value.is_object()) {
    problems.add(fmt::format("{}: {} is {} instead of an object", file_name, kMetadataKey,
                             json_kind(value)));
    return;
  }
  for (const auto& [key, text] : value.items()) {
    if (text.is_string())
      header.metadata.emplace(key, text.get_ref<const std::string&>());
    else
      problems.add(fmt::format("{}: {} has {} for {} instead of a string", file_name, kMetadataKey,
                               json_kind(text), in_quotes(key)));
  }
}

constexpr std::string_view kNotCovered = "incomplete metadata, file not fully covered";

// The tensors, sorted by offset, must follow each other from 0 on and end within the data section.
void check_layout(const std::vector<TensorEntry>& tensors, int64_t data_size,
                  std::string_view file_name, Problems& problems) {
  const TensorEntry* furthest = nullptr;
  int64_t covered = 0;
  std::vector<const TensorEntry*> cut;
  for (const TensorEntry& tensor : tensors) {
    if (tensor.begin > covered)
      problems.add(
          fmt::format("{}: tensor {} begins at {}, but bytes [{}, {}) before it belong to "
                      "no tensor",
                      file_name, in_quotes(tensor.name), tensor.begin, covered, tensor.begin));
    if (tensor.begin < covered)
      problems.add(fmt::format("{}: tensors {} [{}, {}) and {} [{}, {}) overlap", file_name,
                               in_quotes(furthest->name), furthest->begin, furthest->end,
                               in_quotes(tensor.name), tensor.begin, tensor.end));
    if (tensor.end > data_size) cut.push_back(&tensor);
    if (tensor.end >= covered) furthest = &tensor;
    covered = std::max(covered, tensor.end);
  }
  if (covered > data_size)
    problems.add(fmt::format(
        "{}: {}: the header describes {} bytes of data, but the file has only {}: it is truncated; "
        "tensor {}{} reaches beyond its end",
        file_name, kNotCovered, covered, data_size, in_quotes(cut.front()->name),
        cut.size() > 1 ? fmt::format(" (and {} more)", cut.size() - 1) : ""));
}

void check_end(const std::vector<TensorEntry>& tensors, int64_t data_size,
               std::string_view file_name, Problems& problems) {
  int64_t covered = 0;
  for (const TensorEntry& tensor : tensors) covered = std::max(covered, tensor.end);
  if (covered < data_size)
    problems.add(fmt::format(
        "{}: {}: the header describes {} bytes of data, but the file has {}: the last {} belong to "
        "no tensor",
        file_name, kNotCovered, covered, data_size, data_size - covered));
}

// The header's text, once the length before it has been found sound.
Result<std::string_view> header_text(std::span<const std::byte> file, std::string_view file_name) {
  if (file.size() < kLengthBytes)
    return fail(fmt::format("{}: it has {} bytes, too few for the 8 that hold the header's length",
                            file_name, file.size()));
  const uint64_t length = little_endian(file.first(kLengthBytes));
  if (length == 0) return fail(fmt::format("{}: its header length is 0", file_name));
  if (length > uint64_t{kHeaderLengthMax})
    return fail(fmt::format("{}: its header length is {}, over the limit of {} bytes", file_name,
                            length, kHeaderLengthMax));
  if (length > file.size() - kLengthBytes)
    return fail(fmt::format("{}: its header length is {}, but only {} bytes follow it", file_name,
                            length, file.size() - kLengthBytes));
  const auto bytes = file.subspan(kLengthBytes, static_cast<size_t>(length));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with('{'))
    return fail(fmt::format("{}: its header begins with {} instead of \"{{\"", file_name,
                            in_quotes(text.substr(0, 1))));
  return text;
}

Result<Json> header_json(std::string_view text, std::string_view file_name, Twice twice) {
  JsonLimits limits = kHeaderLimits;
  limits.twice = twice;
  auto parsed = parse_strict_json(text, limits);
  if (parsed) return std::move(*parsed);
  const JsonFault& fault = parsed.error();
  if (fault.byte < 0)
    return fail(fmt::format("{}: its header is refused: {}", file_name, fault.reason));
  return fail(fmt::format("{}: its header is not JSON at byte {} of the file: {}", file_name,
                          kLengthBytes + fault.byte, fault.reason));
}

}  // namespace

std::optional<int64_t> byte_size(DType dtype, std::span<const int64_t> shape) {
  int64_t bytes = item_size(dtype);
  for (int64_t extent : shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  return bytes;
}

Result<SafetensorsHeader> parse_safetensors(std::span<const std::byte> file,
                                            std::string_view file_name, HeaderRules rules) {
  const auto text = header_text(file, file_name);
  if (!text) return tl::make_unexpected(text.error());
  const auto json = header_json(*text, file_name, rules.twice);
  if (!json) return tl::make_unexpected(json.error());

  SafetensorsHeader header;
  header.data_offset = kLengthBytes + static_cast<int64_t>(text->size());
  header.tensors.reserve(json->size());
  Problems problems;
  for (const auto& [key, value] : json->items()) {
    if (key == kMetadataKey) {
      read_metadata(value, file_name, header, problems);
      continue;
    }
    TensorEntry entry;
    entry.name = key;
    EntryReader reader(value, file_name, problems);
    if (reader.read(entry)) header.tensors.push_back(std::move(entry));
  }
  if (!problems.empty()) return problems.error();

  const auto by_offset = [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  };
  std::sort(header.tensors.begin(), header.tensors.end(), by_offset);
  const int64_t data_size = static_cast<int64_t>(file.size()) - header.data_offset;
  if (!rules.any_layout) check_layout(header.tensors, data_size, file_name, problems);
  if (!rules.trailing) check_end(header.tensors, data_size, file_name, problems);
  if (!problems.empty()) return problems.error();
  return header;
}

}  // namespace loadproof::sim
