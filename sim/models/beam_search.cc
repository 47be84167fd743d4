#include "sim/models/beam_search.h"

#include <ATen/ops/add.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <cmath>

namespace loadproof::sim {
namespace {

constexpr float kNever = -1e9f;  // what the real library adds to scores that must not win

struct Beam {
  std::vector<int64_t> tokens;  // without the prompt
  float score = kNever;
  bool finished = false;
  int64_t parent = 0;  // the running beam it continues
};

// The best `count` by score in torch's order: a NaN is greater than all.
std::vector<Beam> best(const std::vector<Beam>& beams, int64_t count) {
  std::vector<float> scores;
  for (const Beam& beam : beams) scores.push_back(beam.score);
  const at::Tensor order = std::get<1>(at::topk(at::tensor(scores), count)).contiguous();
  std::vector<Beam> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(beams[static_cast<size_t>(order.const_data_ptr<int64_t>()[i])]);
  return result;
}

class BeamSearch {
 public:
  BeamSearch(const Model& model, std::span<const at::Tensor> tensors,
             const GenerateOptions& options, GenerateResult& result)
      : model_(model),
        tensors_(tensors),
        options_(options),
        result_(result),
        running_(static_cast<size_t>(options.beams)),
        done_(static_cast<size_t>(options.beams)) {
    running_[0].score = 0;  // all begin alike: only one of them may continue
  }

  void run() {
    at::Tensor logits = start();
    for (int64_t length = 1; length <= options_.new_tokens; ++length) {
      const bool all_hit = advance(logits, length);
      if (!may_improve(length) || all_hit) break;
      logits = forward_running();
    }
    result_.tokens = done_[0].tokens;
  }

 private:
  at::Tensor start() {
    const at::Tensor prompt = at::tensor(options_.prompt, at::kLong).unsqueeze(0);
    result_.prompt = logits_statistics(
        forward(model_, tensors_, {.ids = prompt, .mask = {}, .attention = options_.attention}));
    return logits_of(prompt.expand({options_.beams, -1}).contiguous());
  }
  // On the host, where beams are compared.
  at::Tensor logits_of(const at::Tensor& ids) {
    const at::Tensor hidden =
        forward_hidden(model_, tensors_,
                       {.ids = ids, .mask = {}, .cache = &cache_, .attention = options_.attention});
    return forward_head(model_, tensors_, hidden.narrow(1, hidden.size(1) - 1, 1))
        .select(1, 0)
        .to(at::kCPU, at::kFloat)
        .contiguous();
  }
  at::Tensor forward_running() {
    std::vector<int64_t> parents, last;
    for (const Beam& beam : running_) {
      parents.push_back(beam.parent);
      last.push_back(beam.tokens.back());
    }
    for (KvCache::Layer& layer : cache_.layers) {
      const at::Tensor kept = at::tensor(parents, at::kLong).to(layer.keys.device());
      layer.keys = at::index_select(layer.keys, 0, kept);
      layer.values = at::index_select(layer.values, 0, kept);
    }
    return logits_of(at::tensor(last, at::kLong).unsqueeze(1));
  }

  // Every likely continuation of the running beams, the best first.
  std::vector<Beam> continuations(const at::Tensor& logits) const {
    std::vector<float> scores;
    for (const Beam& beam : running_) scores.push_back(beam.score);
    const at::Tensor sums =
        at::add(at::log_softmax(logits, -1), at::tensor(scores).unsqueeze(1)).view(-1);
    const auto ends = static_cast<int64_t>(options_.eos_tokens.size());
    const int64_t kept = std::max<int64_t>(2, 1 + ends) * options_.beams;
    const auto [top, places] = at::topk(sums, kept);
    std::vector<Beam> result;
    for (int64_t i = 0; i < kept; ++i) {
      const int64_t place = places.const_data_ptr<int64_t>()[i];
      const int64_t parent = place / logits.size(1);
      Beam beam{.tokens = running_[static_cast<size_t>(parent)].tokens,
                .score = top.const_data_ptr<float>()[i],
                .parent = parent};
      beam.tokens.push_back(place % logits.size(1));
      result.push_back(std::move(beam));
    }
    return result;
  }

  // True where every continuation ends here.
  bool advance(const at::Tensor& logits, int64_t length) {
    count_sampled(logits);
    std::vector<Beam> next = continuations(logits), ended = done_;
    bool all_hit = true;
    for (size_t i = 0; i < next.size(); ++i) {
      const bool hit = length == options_.new_tokens || is_end(next[i].tokens.back());
      all_hit = all_hit && hit;
      Beam end = next[i];
      end.finished = hit && i < running_.size();
      end.score /= static_cast<float>(length);
      if (!improving_) end.score += kNever;
      if (!end.finished) end.score += kNever;
      ended.push_back(std::move(end));
      if (hit) next[i].score += kNever;
    }
    running_ = best(next, options_.beams);
    done_ = best(ended, options_.beams);
    return all_hit;
  }
  // _check_early_stop_heuristic: false for NaN, whose comparisons are all false.
  bool may_improve(int64_t length) {
    float worst = done_[0].score;
    for (const Beam& beam : done_)
      worst = std::isnan(beam.score) || beam.score < worst ? beam.score : worst;
    const float hope = running_[0].score / static_cast<float>(length);
    bool any = false;
    for (const Beam& beam : done_) any = any || hope > (beam.finished ? worst : kNever);
    return improving_ = improving_ && any;
  }

  bool is_end(int64_t token) const {
    return std::find(options_.eos_tokens.begin(), options_.eos_tokens.end(), token) !=
           options_.eos_tokens.end();
  }
  void count_sampled(const at::Tensor& logits) {
    for (int64_t i = 0; i < logits.numel(); ++i) {
      const float value = logits.const_data_ptr<float>()[i];
      result_.sampled_nan += std::isnan(value) ? 1 : 0;
      result_.sampled_inf += std::isinf(value) ? 1 : 0;
    }
  }

  const Model& model_;
  std::span<const at::Tensor> tensors_;
  const GenerateOptions& options_;
  GenerateResult& result_;
  KvCache cache_;
  std::vector<Beam> running_, done_;
  bool improving_ = true;
};

}  // namespace

void search_beams(const Model& model, std::span<const at::Tensor> tensors,
                  const GenerateOptions& options, GenerateResult& result) {
  BeamSearch(model, tensors, options, result).run();
}

}  // namespace loadproof::sim
