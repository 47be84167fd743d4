#include "harness/tensor_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "harness/argument.h"
#include "sim/braces.h"
#include "sim/checkpoint/nearest.h"
#include "sim/cut_args.h"

namespace loadproof::harness {
namespace {

constexpr size_t kTensorsMax = 10'000;
constexpr int64_t kElementsMax = int64_t{1} << 40;
constexpr double kInitStd = 0.02;  // initializer_range of every supported family

constexpr TensorKey kKeys[] = {
    {"shape", "a list of extents; [] is a scalar"},
    {"dtype", "element type; float32 if left out"},
    {"kind",
     "param if left out; a runtime_buffer is in no state dict and in no checkpoint; scratch is the "
     "loader's own memory, which nobody judges"},
    {"from", "file: the scenario's stores hold it, with values unique to each element"},
    {"ranks", "the ranks that have it; all if left out"},
    {"shard", "the piece of it that each rank has: {dim, rule, over, …} as of the verb shard"},
    {"module", "outermost, or the name of a child module that owns it; module(…) selects by it"},
    {"init", "what the library's initialiser does to it; none if left out"},
    {"value",
     "its elements: a number, rope(theta, head_dim), linspace(first, last), arange(first, step), "
     "or a list of numbers"},
    {"shared",
     "a group of ranks, such as node or world, that have one memory for it: what one writes, all "
     "see; a budget counts it on each of them"},
    {"tie", "the tensor whose storage it shares"},
    {"tolerance",
     "how far its values may be from what they must be, as ckpt and source see it; 0 if left out: "
     "every bit counts"},
    {"slice", "with `tie`: the part of it, such as \":, 0:3\"; the tensor is a view"},
};

bool is_tensor_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                              "WXYZ0123456789_.-/") == std::string_view::npos;
}

bool is_selector_word(std::string_view name) {
  return std::ranges::find(selector_words(), name, &SelectorWord::word) != selector_words().end();
}

class TensorParser {
 public:
  TensorParser(bool has_model, const Vocabulary& words, Diagnostics& diagnostics)
      : has_model_(has_model), words_(words), diagnostics_(diagnostics) {}

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
      if (key == "from") from(tensor, value);
      if (key == "ranks")
        tensor.spec.held_by = read_ranks(value, key, words_, diagnostics_).value_or(RankSet());
      if (key == "shard") shard(tensor, value);
      if (key == "shared")
        tensor.spec.shared_over = read_group(value, key, words_, diagnostics_).value_or("");
      if (key == "tolerance") tolerance(tensor, value);
      if (key == "slice") tensor.spec.tied_slice = read_slice(value, key, diagnostics_);
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
         {TensorKind::kParameter, TensorKind::kBuffer, TensorKind::kRuntimeBuffer,
          TensorKind::kScratch})
      if (text == name(kind)) tensor.spec.kind = kind;
  }

  void tolerance(ExtraTensor& tensor, const Node& node) {
    const auto number = read_number(node, "tolerance", diagnostics_);
    if (!number) return;
    tensor.spec.tolerance = *number;
    if (!std::isfinite(*number) || *number < 0)
      diagnostics_.add(node.where, "tolerance must be a number from 0 on");
  }

  void from(ExtraTensor& tensor, const Node& node) {
    if (!read_choice(node, "from", {"file"}, diagnostics_)) return;
    tensor.spec.in_stores = true;
    if (has_model_)
      diagnostics_.add(node.where, "a tensor beside a model is in no checkpoint",
                       "give it a value, or let the scenario have tensors and no model");
  }

  void shard(ExtraTensor& tensor, const Node& node) {
    if (!expect_map(node, "shard", diagnostics_)) return;
    const VerbInfo& verb = *find_verb("shard");
    std::vector<std::string> known;
    for (const ParamInfo& param : verb.params) known.emplace_back(param.name);
    check_keys(node, "shard", known, diagnostics_);
    Step step;  // the verb's own arguments say how
    for (const ParamInfo& param : verb.params)
      if (const auto value = read_argument(node.find(param.name), param, node.where, words_,
                                           diagnostics_))
        step.args.emplace(param.name, *value);
    if (!step.args.contains("dim") || !step.args.contains("over") || !step.args.contains("rule"))
      return;
    tensor.spec.cut = cut_of(step);
    tensor.spec.cut_over = loadproof::arg<std::string>(step, "over");
  }

  std::optional<Formula> list(ExtraTensor& tensor, const Node& node) {
    std::vector<double> numbers;
    for (const Node& item : node.items) {
      const auto number = read_number(item, "each of value", diagnostics_);
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    }
    tensor.value = short_text(node);
    if (static_cast<int64_t>(numbers.size()) == element_count(tensor.spec.shape))
      return Formula::list(std::move(numbers));
    diagnostics_.add(node.where, fmt::format("value has {} numbers for {} elements", numbers.size(),
                                             element_count(tensor.spec.shape)));
    return std::nullopt;
  }

  std::optional<Formula> formula(ExtraTensor& tensor, const Node& node) {
    if (node.is_list()) return list(tensor, node);
    const auto text = read_text(node, "value", diagnostics_);
    if (!text) return std::nullopt;
    tensor.value = *text;
    const Result<Formula> parsed = Formula::parse(*text);
    if (parsed) return *parsed;
    diagnostics_.add(node.where, fmt::format("value cannot be {}: {}", in_quotes(*text),
                                             parsed.error().message));
    return std::nullopt;
  }

  // `value` alone is the tensor's value in the files, or where it has none there, the analytic one
  // that the initialiser writes.
  void init(ExtraTensor& tensor, const Node& map) {
    const Entry* init = map.find("init");
    const Entry* value = map.find("value");
    std::string word = value && !tensor.spec.in_stores ? "value" : "none";
    if (init != nullptr)
      word = read_choice(init->value, "init", tensor_inits(), diagnostics_).value_or("none");
    if (value != nullptr && word != "value" && !tensor.spec.in_stores)
      diagnostics_.add(value->where, "\"value\" belongs to init: value");
    if (value == nullptr && word == "value")
      diagnostics_.add(init->where, "init: value needs the key \"value\"");
    if (word == "normal") tensor.spec.init = {InitKind::kNormal, kInitStd};
    if (word == "zeros") tensor.spec.init = {InitKind::kZeros, 0};
    if (word == "ones") tensor.spec.init = {InitKind::kOnes, 0};
    if (value != nullptr) tensor.spec.value = formula(tensor, value->value);
    if (word == "value" && value != nullptr) tensor.spec.init = {InitKind::kAnalytic, 0};
  }

  bool has_model_;
  const Vocabulary& words_;
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

std::vector<ExtraTensor> parse_tensors(const Node& node, bool has_model, const Vocabulary& words,
                                       Diagnostics& diagnostics) {
  std::vector<ExtraTensor> tensors;
  std::set<std::string> seen;
  if (!expect_map(node, "tensors", diagnostics)) return tensors;
  TensorParser parser(has_model, words, diagnostics);
  for (const Entry& entry : node.entries) {
    const std::vector<std::string> names = expand_braces(entry.key, kTensorsMax);
    const ExtraTensor tensor = parser.parse(entry);
    if (names.empty())
      diagnostics.add(entry.where, fmt::format("{} is no name of tensors", in_quotes(entry.key)),
                      "such as w, w.{0..7} or w.{a,b}");
    for (const std::string& name : names) {
      if (!is_tensor_name(name))
        diagnostics.add(entry.where, fmt::format("{} is no name of a tensor", in_quotes(name)),
                        "letters, digits, and the characters _ . - /");
      else if (is_selector_word(name))
        diagnostics.add(entry.where,
                        fmt::format("{} is a word of selectors and cannot be a tensor's name",
                                    in_quotes(name)),
                        "a name with a dot never is");
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
std::vector<std::string> tensor_kinds() { return {"param", "buffer", "runtime_buffer", "scratch"}; }
std::vector<std::string> tensor_inits() { return {"none", "normal", "zeros", "ones", "value"}; }

}  // namespace loadproof::harness
