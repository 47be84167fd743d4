// sample: runs the model on a prompt and draws tokens; the point at which a case is judged.
#include <fmt/format.h>

#include "sim/accelerators.h"
#include "sim/engine.h"
#include "sim/memory/scan.h"
#include "sim/models/generate.h"
#include "sim/reach.h"
#include "sim/steps/table.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using enum ParamType;
constexpr ParamInfo kParams[] = {
    {"prompt", kInts, false, "5 17 42 99 3", "",
     "token ids; pad tokens of the config at the left are masked"},
    {"tokens", kInt, false, "8", "", "how many tokens to draw"},
    {"with", kChoice, false, "multinomial", "multinomial greedy beam forward",
     "how a token is chosen; forward runs the model on the prompt and draws none"},
    {"beams", kInt, false, "2", "", "with: beam; how many sequences are kept", 1},
    {"top_k", kInt, false, "50", "", "only the k greatest logits may be drawn; 0: all"},
    {"temperature", kNumber, false, "1", "", "divides the logits"},
    {"seed", kInt, false, "99", "", "of the rank's own generator"},
    {"guard", kChoice, false, "on", "on off",
     "off: nobody looks at probabilities before at::multinomial does, so that its own error is "
     "seen, which on a GPU is an assertion that ends the use of it"},
};

SampleMode mode_named(const std::string& with) {
  if (with == "multinomial") return SampleMode::kMultinomial;
  return with == "beam" ? SampleMode::kBeam : SampleMode::kGreedy;
}

GenerateOptions options_of(const StepContext& context) {
  const Step& step = context.step;
  const std::string& with = arg<std::string>(step, "with");
  return {.prompt = arg<std::vector<int64_t>>(step, "prompt"),
          .new_tokens = with == "forward" ? 0 : arg<int64_t>(step, "tokens"),
          .mode = mode_named(with),
          .top_k = arg<int64_t>(step, "top_k"),
          .temperature = arg<double>(step, "temperature"),
          .beams = arg<int64_t>(step, "beams"),
          .seed = static_cast<uint64_t>(arg<int64_t>(step, "seed")),
          .guard = arg<std::string>(step, "guard") == "on",
          .attention = context.engine.spec().attention == "eager" ? AttentionKind::kEager
                                                                  : AttentionKind::kSdpa};
}

std::vector<at::Tensor> model_tensors(const StepContext& context) {
  std::vector<at::Tensor> tensors;
  for (size_t i = 0; i < context.engine.asset().model_tensors(); ++i)
    tensors.push_back(context.rank.slot(static_cast<int>(i)).value);
  bring_together(tensors);
  return tensors;
}

// Draws are made where the tensors are.
GenerateOptions drawing_beside(std::span<const at::Tensor> tensors, GenerateOptions options) {
  for (const at::Tensor& one : tensors)
    if (!one.is_cpu() && !one.is_meta())
      options.generator = generator_for(one, options.seed);
  return options;
}

// Equal for ranks that hold the same bytes in the same states and ask the same of them.
uint64_t key_of(const StepContext& context, const std::vector<TensorObservation>& seen) {
  std::vector<uint64_t> parts = {static_cast<uint64_t>(context.step.index)};
  for (const TensorObservation& tensor : seen) {
    parts.push_back(tensor.digest);
    for (const StateRange& range : tensor.states)
      if (must_not_reach_sampling(range.root))
        parts.insert(parts.end(),
                     {static_cast<uint64_t>(range.begin), static_cast<uint64_t>(range.end),
                      static_cast<uint64_t>(range.root)});
  }
  return digest(parts.data(), parts.size() * sizeof parts[0]);
}

loadproof::Generation told(const StepContext& context, const GenerateResult& result) {
  return {.step = context.step.index,
          .mode = arg<std::string>(context.step, "with"),
          .logits_elements = result.prompt.elements,
          .nan = result.prompt.nan,
          .inf = result.prompt.inf,
          .sampled_nan = result.sampled_nan,
          .sampled_inf = result.sampled_inf,
          .argmax_last = result.prompt.argmax,
          .all_equal = result.prompt.all_equal,
          .max_prob = result.prompt.max_prob,
          .tokens = result.tokens,
          .error = result.error,
          .logits_digest = result.prompt.digest};
}

loadproof::Generation draw(const StepContext& context, const GenerateOptions& options) {
  const Model& model = *context.engine.asset().model();
  const std::vector<at::Tensor> tensors = model_tensors(context);
  return told(context, generate(model, tensors, drawing_beside(tensors, options)));
}

// What of the tensor must not reach sampling: all of it is read.
std::vector<Reach> suspects_in(const StepContext& context, int slot) {
  const ChainScope scope = context.engine.chain_scope();
  const Slot& held = context.rank.slot(slot);
  const auto item = static_cast<int64_t>(held.value.element_size());
  std::vector<Reach> reaching;
  for (const Interval& one : context.rank.states(slot).intervals()) {
    const StateKind root = scope.origins.root_kind(one.cell.origin);
    if (must_not_reach_sampling(root))
      reaching.push_back({held.spec->name, one.begin / item, (one.end + item - 1) / item, root,
                          describe_chain(scope, one.cell, one.end - one.begin)});
  }
  return reaching;
}

Result<void> sample_tensors(StepContext& context) {
  context.engine.take_point(context, /*sampled=*/true);
  if (context.engine.dry()) return {};
  for (int slot : context.selected) {
    const Slot& held = context.rank.slot(slot);
    if (held.value.is_meta() || held.value.dim() == 0 || held.value.numel() == 0)
      return fail(fmt::format("{} has no logits to sample from", held.spec->name));
    loadproof::Generation generation =
        told(context, choose_tokens(held.value, drawing_beside({&held.value, 1},
                                                               options_of(context))));
    generation.reaching = suspects_in(context, slot);
    const bool died = !generation.error.empty();
    context.engine.add_generation(context, std::move(generation));
    if (died) return {};
  }
  return {};
}

Result<void> run(StepContext& context) {
  if (!context.step.of.empty()) return sample_tensors(context);
  const Model* model = context.engine.asset().model();
  const std::vector<TensorObservation>& seen = context.engine.take_point(context, /*sampled=*/true);
  for (size_t i = 0; i < context.rank.slots().size(); ++i)
    context.rank.note_read(static_cast<int>(i));
  // The scenario's own tensors are read by being there.
  if (!model || context.engine.dry()) return {};
  const uint64_t key = key_of(context, seen);
  if (const loadproof::Generation* known = context.engine.remembered(key)) {
    loadproof::Generation generation = *known;
    retell_chains(context.rank, context.engine.chain_scope(), generation.reaching);
    context.engine.add_generation(context, std::move(generation));
    return {};
  }
  const GenerateOptions options = options_of(context);
  loadproof::Generation generation = draw(context, options);
  // After an assertion on a GPU there is nothing more to be asked of it.
  if (options.guard || generation.error.empty())
    generation.reaching =
        find_reach(context.rank, context.engine.asset(), context.engine.chain_scope(),
                   [&](std::span<const at::Tensor> tensors) {
                     return sampled_logits(*model, tensors, options);
                   });
  context.engine.remember(key, generation);
  context.engine.add_generation(context, std::move(generation));
  return {};
}

}  // namespace

const Verb kSample = {
    {"sample",
     "Runs the model on a prompt and draws tokens: the point at which a case is judged. With `of`, "
     "draws one token from each row of these tensors, which are logits, and needs no model.",
     "sample: {prompt: [5, 17, 42], tokens: 8, with: multinomial}", true, false, false, kParams,
     /*reads=*/true},
    run};

}  // namespace loadproof::sim
