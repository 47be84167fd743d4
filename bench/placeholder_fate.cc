#include "bench/placeholder_fate.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <exception>
#include <map>
#include <string_view>
#include <tuple>

#include "bench/rank_processes.h"
#include "sim/memory/poison.h"

namespace loadproof::bench {
namespace {

// 4 MiB or more, which glibc maps afresh.
at::Tensor head(const Placeholder& how, at::ScalarType dtype) {
  const auto options = at::TensorOptions().dtype(dtype).device(at::kMeta);
  return how.make(at::empty({4096, 512}, options));
}

Fate fate_of(const at::Tensor& head) {
  const auto on_cpu = head.options().device(at::kCPU);
  try {
    const at::Tensor logits = at::linear(at::ones({1, head.size(1)}, on_cpu), head).to(at::kFloat);
    at::multinomial(at::softmax(logits, -1), 1).item<int64_t>();
    const bool uniform = logits.eq(logits.flatten()[0]).all().item<bool>();
    return uniform ? Fate::kSilentlyUniform : Fate::kSilentlyOther;
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    return text.find("probability tensor contains either `inf`") != text.npos
               ? Fate::kNanReachesSampling
               : Fate::kRefused;
  }
}

Write write_into(const at::Tensor& placeholder) {
  const auto on_cpu = placeholder.options().device(at::kCPU);
  try {
    placeholder.copy_(at::ones(placeholder.sizes(), on_cpu));
    if (placeholder.is_meta()) return Write::kLost;
    return placeholder.eq(1).all().item<bool>() ? Write::kKept : Write::kLost;
  } catch (const std::exception&) {
    return Write::kRefused;
  }
}

std::optional<Outcome> try_it(const Placeholder& how, at::ScalarType dtype, Underneath memory) {
  const auto prepare = [memory] {
    if (memory == Underneath::kNan) sim::install_poison_allocator();
    at::set_num_threads(1);
  };
  RankProcesses<Outcome> one(1, prepare, [&](char) {
    return Outcome{fate_of(head(how, dtype)), write_into(head(how, dtype))};
  });
  const auto answers = one.run('t');
  return answers ? std::optional(answers->at(0)) : std::nullopt;
}

std::string_view name(Fate fate) {
  switch (fate) {
    case Fate::kNanReachesSampling:
      return "NaN reaches sampling, loud";
    case Fate::kSilentlyUniform:
      return "all logits equal, silent";
    case Fate::kSilentlyOther:
      return "some token, silent";
    case Fate::kRefused:
      break;
  }
  return "refused, loud";
}

std::string_view name(Write write) {
  return write == Write::kKept ? "kept" : write == Write::kRefused ? "refused" : "lost";
}

}  // namespace

std::optional<Outcome> outcome_of(const Placeholder& how, at::ScalarType dtype, Underneath memory) {
  static std::map<std::tuple<std::string_view, at::ScalarType, Underneath>, std::optional<Outcome>>
      known;
  const auto [entry, is_new] = known.try_emplace({how.name, dtype, memory});
  if (is_new) entry->second = try_it(how, dtype, memory);
  return entry->second;
}

std::string told(const Outcome& over_nan, const Outcome& on_fresh_pages) {
  std::string text = "over NaN: ";
  text += name(over_nan.fate);
  text += "; on fresh pages: ";
  text += name(on_fresh_pages.fate);
  text += "; a copy into it: ";
  return text += name(over_nan.write);
}

}  // namespace loadproof::bench
