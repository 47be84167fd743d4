#include "sim/tools.h"

#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "sim/assets.h"
#include "sim/memory/poison.h"
#include "sim/memory/scan.h"
#include "sim/models/generate.h"

namespace loadproof::sim {
namespace {

std::string problem_of(const Checkpoint& checkpoint, const TensorSpec& spec) {
  for (const FilePiece& piece : spec.pieces) {
    const CheckpointTensor* found = checkpoint.find(piece.key);
    if (!found) return fmt::format("the checkpoint has no '{}'", piece.key);
    if (found->shape != piece.shape)
      return fmt::format("'{}' has shape [{}] instead of [{}]", piece.key,
                         fmt::join(found->shape, ", "), fmt::join(piece.shape, ", "));
  }
  return "";
}

Result<std::vector<at::Tensor>> reference_tensors(const Asset& asset) {
  std::vector<at::Tensor> tensors;
  for (size_t i = 0; i < asset.model_tensors(); ++i) {
    tensors.push_back(asset.reference(static_cast<int>(i)));
    if (!tensors.back().defined())
      return fail(fmt::format("{}: {}: {}", asset.checkpoint()->directory().string(),
                              asset.specs()[i].name,
                              problem_of(*asset.checkpoint(), asset.specs()[i])));
  }
  return tensors;
}

std::vector<std::vector<float>> rows_of(const at::Tensor& logits) {
  const at::Tensor rows = logits.select(0, 0).to(at::kFloat).contiguous();
  std::vector<std::vector<float>> out;
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const float* row = rows.const_data_ptr<float>() + i * rows.size(1);
    out.emplace_back(row, row + rows.size(1));
  }
  return out;
}

Result<ForwardResult> run_forward(const Asset& asset, const ForwardQuery& query) {
  Result<std::vector<at::Tensor>> tensors = reference_tensors(asset);
  if (!tensors) return tl::make_unexpected(tensors.error());
  const Model& model = *asset.model();
  for (int64_t token : query.prompt)
    if (token < 0 || token >= model.config.vocab_size)
      return fail(
          fmt::format("token {} is not in the vocabulary of {}", token, model.config.vocab_size));
  const AttentionKind attention =
      query.attention == "eager" ? AttentionKind::kEager : AttentionKind::kSdpa;
  const at::Tensor ids = at::tensor(query.prompt, at::kLong).unsqueeze(0);
  ForwardResult result{.logits =
                           rows_of(forward(model, *tensors, {.ids = ids, .attention = attention}))};
  if (query.tokens == 0) return result;
  const GenerateResult drawn = generate(model, *tensors,
                                        {.prompt = query.prompt,
                                         .new_tokens = query.tokens,
                                         .mode = SampleMode::kGreedy,
                                         .attention = attention});
  if (!drawn.error.empty()) return fail(drawn.error);
  result.greedy = drawn.tokens;
  return result;
}

}  // namespace

Result<ForwardResult> forward_model(const ForwardQuery& query) {
  if (query.prompt.empty()) return fail("the prompt is empty: give token ids, as 5,17,42");
  install_poison_allocator();
  at::set_num_threads(1);
  const c10::InferenceMode inference;
  try {
    Assets assets;
    const Result<const Asset*> asset = assets.open(query.model, query.dtype, {});
    if (!asset) return tl::make_unexpected(asset.error());
    return run_forward(**asset, query);
  } catch (const c10::Error& error) {
    return fail(error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return fail("not enough memory");
  }
}

Result<InspectReport> inspect_model(const std::string& directory) {
  install_poison_allocator();
  Assets assets;
  const Result<const Asset*> opened = assets.open(directory, std::nullopt, {});
  if (!opened) return tl::make_unexpected(opened.error());
  const Asset& asset = **opened;
  InspectReport report{.model_type = std::string(asset.model()->family->model_type),
                       .architecture = std::string(asset.model()->family->architecture)};
  std::set<std::string> used, files;
  for (const TensorSpec& spec : asset.specs()) {
    report.tensors.push_back({spec, problem_of(*asset.checkpoint(), spec)});
    for (const FilePiece& piece : spec.pieces) used.insert(piece.key);
    if (spec.kind == TensorKind::kParameter && spec.tied_to.empty())
      report.parameters += element_count(spec.shape);
  }
  for (const CheckpointTensor& tensor : asset.checkpoint()->tensors()) {
    report.in_file.push_back({tensor.key, tensor.file, tensor.dtype, tensor.shape,
                              static_cast<int64_t>(tensor.bytes.size()),
                              used.contains(tensor.key)});
    const ElementCounts counts = count_elements(
        tensor.bytes.data(), static_cast<int64_t>(tensor.bytes.size()) / item_size(tensor.dtype),
        tensor.dtype);
    report.in_file.back().nan = counts.nan;
    report.in_file.back().inf = counts.inf;
    report.bytes += static_cast<int64_t>(tensor.bytes.size());
    files.insert(tensor.file);
  }
  report.files.assign(files.begin(), files.end());
  return report;
}

}  // namespace loadproof::sim
