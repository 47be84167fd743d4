#include "harness/tensor_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "harness/argument.h"
#include "sim/checkpoint/nearest.h"

namespace loadproof::harness {
namespace {

constexpr size_t kTensorsMax = 10'000;
constexpr int64_t kElementsMax = int64_t{1} << 40;
constexpr double kInitStd = 0.02;  // initializer_range of every supported family

constexpr TensorKey kKeys[] = {
    {"shape", "a list of extents; [] is a scalar"},
    {"dtype", "element type; float32 if left out"},
    {"kind", "param if left out; a runtime_buffer is in no state dict and in no checkpoint"},
    {"module", "outermost, or the name of a child module that owns it; module(…) selects by it"},
    {"init", "what the library's initialiser does to it; none if left out"},
    {"value", "with init: value, the number that every element has"},
    {"tie", "the tensor whose storage it shares"},
};

std::vector<std::string> alternatives(std::string_view inner) {
  std::vector<std::string> list;
  const size_t dots = inner.find("..");
  if (dots != std::string_view::npos) {
    int low = 0, high = -1;
    const char* end = inner.data() + inner.size();
    const auto first = std::from_chars(inner.data(), inner.data() + dots, low);
    const auto second = std::from_chars(inner.data() + dots + 2, end, high);
    if (first.ptr != inner.data() + dots || second.ptr != end || low < 0 || high < low ||
        high - low >= static_cast<int>(kTensorsMax))
      return {};
    for (int i = low; i <= high; ++i) list.push_back(std::to_string(i));
    return list;
  }
  for (size_t begin = 0; begin <= inner.size();) {
    const size_t end = std::min(inner.find(',', begin), inner.size());
    list.emplace_back(inner.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

// Each name that a text with {0..7} or {a,b} stands for; nothing: it is malformed or too long.
std::vector<std::string> expand_name(const std::string& text) {
  std::vector<std::string> names{""};
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('{', at), text.size());
    for (std::string& name : names) name += text.substr(at, open - at);
    if (open == text.size()) return names;
    const size_t close = text.find('}', open);
    if (close == std::string::npos) return {};
    const auto inner = alternatives(std::string_view(text).substr(open + 1, close - open - 1));
    if (inner.empty() || names.size() * inner.size() > kTensorsMax) return {};
    std::vector<std::string> longer;
    for (const std::string& name : names)
      for (const std::string& part : inner) longer.push_back(name + part);
    names = std::move(longer);
    at = close + 1;
  }
  return names;
}

bool is_tensor_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                              "WXYZ0123456789_.-/") == std::string_view::npos;
}

class TensorParser {
 public:
  explicit TensorParser(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  ExtraTensor parse(const Entry& entry) {
    ExtraTensor tensor;
    tensor.where = entry.where;
    tensor.module = "outermost";
    const std::string what = fmt::format("tensor {}", entry.key);
    if (!expect_map(entry.value, what, diagnostics_)) return tensor;
    std::vector<std::string> known;
    for (const TensorKey& key : kKeys) known.emplace_back(key.key);
    check_keys(entry.value, "a tensor", known, diagnostics_);
    if (entry.value.find("shape") == nullptr)
      diagnostics_.add(entry.where, fmt::format("{} needs a shape", what));
    for (const auto& [key, where, value] : entry.value.entries) {
      if (key == "shape") shape(tensor, value);
      if (key == "dtype")
        tensor.spec.dtype = read_dtype(value, key, diagnostics_).value_or(tensor.spec.dtype);
      if (key == "kind") kind(tensor, value);
      if (key == "module")
        tensor.module = read_text(value, key, diagnostics_).value_or("outermost");
      if (key == "tie") tensor.spec.tied_to = read_text(value, key, diagnostics_).value_or("");
    }
    init(tensor, entry.value);
    tensor.spec.module_type = tensor.module;
    return tensor;
  }

 private:
  void shape(ExtraTensor& tensor, const Node& node) {
    const auto read =
        read_value(node, {.what = "shape", .type = ParamType::kInts}, {}, diagnostics_);
    if (!read) return;
    int64_t elements = 1;
    for (int64_t extent : std::get<std::vector<int64_t>>(*read)) {
      const bool overflow = extent > 0 && elements > kElementsMax / extent;
      if (extent >= 0 && !overflow) {
        elements *= extent;
        continue;
      }
      diagnostics_.add(node.where, overflow ? "the shape has more than 2^40 elements"
                                            : "an extent of the shape is negative");
      return;
    }
    tensor.spec.shape = std::get<std::vector<int64_t>>(*read);
  }

  void kind(ExtraTensor& tensor, const Node& node) {
    const auto text = read_choice(node, "kind", tensor_kinds(), diagnostics_);
    for (TensorKind kind :
         {TensorKind::kParameter, TensorKind::kBuffer, TensorKind::kRuntimeBuffer})
      if (text == name(kind)) tensor.spec.kind = kind;
  }

  void init(ExtraTensor& tensor, const Node& map) {
    const Entry* init = map.find("init");
    const Entry* value = map.find("value");
    std::string word = value ? "value" : "none";
    if (init != nullptr)
      word = read_choice(init->value, "init", tensor_inits(), diagnostics_).value_or("none");
    if (value != nullptr && word != "value")
      diagnostics_.add(value->where, "\"value\" belongs to init: value");
    if (value == nullptr && word == "value")
      diagnostics_.add(init->where, "init: value needs the key \"value\"");
    if (word == "normal") tensor.spec.init = {InitKind::kNormal, kInitStd};
    if (word == "zeros") tensor.spec.init = {InitKind::kZeros, 0};
    if (word == "ones") tensor.spec.init = {InitKind::kOnes, 0};
    if (word != "value" || value == nullptr) return;
    tensor.spec.init = {InitKind::kAnalytic, 0};
    tensor.constant = read_number(value->value, "value", diagnostics_).value_or(0);
    tensor.spec.constant = tensor.constant;
  }

  Diagnostics& diagnostics_;
};

void check_ties(const std::vector<ExtraTensor>& tensors, const std::set<std::string>& names,
                bool has_model, Diagnostics& diagnostics) {
  const std::vector<std::string> known(names.begin(), names.end());
  for (const ExtraTensor& tensor : tensors) {
    const std::string& tie = tensor.spec.tied_to;
    if (tie == tensor.spec.name && !tie.empty())
      diagnostics.add(tensor.where, fmt::format("{} is tied to itself", in_quotes(tie)));
    else if (!tie.empty() && !has_model && !names.contains(tie))
      diagnostics.add_unknown(tensor.where, "tensor to tie to", tie, known);
  }
}

}  // namespace

std::vector<ExtraTensor> parse_tensors(const Node& node, bool has_model, Diagnostics& diagnostics) {
  std::vector<ExtraTensor> tensors;
  std::set<std::string> seen;
  if (!expect_map(node, "tensors", diagnostics)) return tensors;
  TensorParser parser(diagnostics);
  for (const Entry& entry : node.entries) {
    const std::vector<std::string> names = expand_name(entry.key);
    const ExtraTensor tensor = parser.parse(entry);
    if (names.empty())
      diagnostics.add(entry.where, fmt::format("{} is no name of tensors", in_quotes(entry.key)),
                      "such as w, w.{0..7} or w.{a,b}");
    for (const std::string& name : names) {
      if (!is_tensor_name(name))
        diagnostics.add(entry.where, fmt::format("{} is no name of a tensor", in_quotes(name)),
                        "letters, digits, and the characters _ . - /");
      else if (!seen.insert(name).second)
        diagnostics.add(entry.where, fmt::format("two tensors are called {}", in_quotes(name)));
      if (tensors.size() == kTensorsMax) {
        diagnostics.add(entry.where, fmt::format("more than {} tensors", kTensorsMax));
        return tensors;
      }
      tensors.push_back(tensor);
      tensors.back().spec.name = name;
    }
  }
  check_ties(tensors, seen, has_model, diagnostics);
  return tensors;
}

std::span<const TensorKey> tensor_keys() { return kKeys; }
std::vector<std::string> tensor_kinds() { return {"param", "buffer", "runtime_buffer"}; }
std::vector<std::string> tensor_inits() { return {"none", "normal", "zeros", "ones", "value"}; }

}  // namespace loadproof::harness
