#include "sim/checkpoint/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "sim/checkpoint/nearest.h"

namespace loadproof::sim {
namespace {

using Json = nlohmann::json;

// The library's text without its own prefix, its place (the caller names it) and the raw bytes that
// it read last, which need not be printable.
std::string reason_of(std::string text) {
  if (const size_t end = text.find("] "); text.starts_with('[') && end != std::string::npos)
    text.erase(0, end + 2);
  if (text.starts_with("parse error at "))
    if (const size_t end = text.find(": "); end != std::string::npos) text.erase(0, end + 2);
  if (const size_t tail = text.find("; last read: "); tail != std::string::npos) text.erase(tail);
  return text;
}

// Builds the value and stops at the first thing that the strict rules refuse.
class StrictBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(JsonLimits limits) : limits_(limits) {}

  bool null() override { return place(Json(nullptr)) != nullptr; }
  bool boolean(bool value) override { return place(Json(value)) != nullptr; }
  bool number_integer(int64_t value) override { return place(Json(value)) != nullptr; }
  bool number_unsigned(uint64_t value) override { return place(Json(value)) != nullptr; }
  bool number_float(double value, const std::string&) override {
    return place(Json(value)) != nullptr;
  }
  bool string(std::string& value) override { return place(Json(std::move(value))) != nullptr; }
  bool binary(Json::binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    auto& object = open_.back()->get_ref<Json::object_t&>();
    const auto [member, is_new] = object.try_emplace(std::move(name));
    if (!is_new && limits_.twice == Twice::kRefuse)
      return refuse(fmt::format("the key {} is there twice", in_quotes(member->first)));
    const bool counts = is_new || limits_.twice == Twice::kLast;
    member_ = counts ? &member->second : &passed_over_.emplace_back();
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    fault_ =
        JsonFault{position == 0 ? 0 : static_cast<int64_t>(position) - 1, reason_of(error.what())};
    return false;
  }

  Json take() { return std::move(root_); }
  const std::optional<JsonFault>& fault() const { return fault_; }

 private:
  bool refuse(std::string reason) {
    fault_ = JsonFault{-1, std::move(reason)};
    return false;
  }

  // Puts the value where the text has it; nullptr when an array has grown too long.
  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_object()) {
      *member_ = std::move(value);
      return member_;
    }
    auto& array = open_.back()->get_ref<Json::array_t&>();
    if (array.size() == limits_.array_length_max) {
      refuse(fmt::format("an array has more than {} elements", limits_.array_length_max));
      return nullptr;
    }
    return &array.emplace_back(std::move(value));
  }

  bool open(Json value) {
    if (open_.size() == limits_.depth_max)
      return refuse(fmt::format("it is nested more than {} levels deep", limits_.depth_max));
    Json* placed = place(std::move(value));
    if (placed == nullptr) return false;
    open_.push_back(placed);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // INVARIANT: open_ holds the containers that are not closed yet, outermost first. An array grows
  // only while it is the last of them, so no pointer here dangles.
  const JsonLimits limits_;
  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::deque<Json> passed_over_;  // what a key has for the second time
  std::optional<JsonFault> fault_;
};

std::string place_in(std::string_view text, int64_t byte) {
  if (byte < 0) return "";
  const std::string_view before = text.substr(0, static_cast<size_t>(byte));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("{}:{}:", line, before.size() - line_start + 1);
}

}  // namespace

tl::expected<Json, JsonFault> parse_strict_json(std::string_view text, JsonLimits limits) {
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    return tl::make_unexpected(JsonFault{static_cast<int64_t>(nul), "a NUL byte is not JSON"});
  StrictBuilder builder(limits);
  const bool whole = Json::sax_parse(text, &builder);
  if (builder.fault()) return tl::make_unexpected(*builder.fault());
  if (!whole) return tl::make_unexpected(JsonFault{-1, "it is not JSON"});
  return builder.take();
}

Result<Json> parse_json_file(std::string_view text, std::string_view file_name, JsonLimits limits) {
  auto parsed = parse_strict_json(text, limits);
  if (parsed) return std::move(*parsed);
  const JsonFault& fault = parsed.error();
  return fail(fmt::format("{}:{} {}", file_name, place_in(text, fault.byte), fault.reason));
}

std::string_view json_kind(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::number_integer:
      return "a negative number";
    case Json::value_t::number_unsigned:
      return "a whole number";
    case Json::value_t::number_float:
      return "a number that is no 64-bit integer";
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return "no JSON value";
}

}  // namespace loadproof::sim
