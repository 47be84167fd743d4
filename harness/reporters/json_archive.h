// How everything observed and judged is written as JSON, and read back.
//
// Each type is described once, by fields(); a JsonWriter and a JsonReader walk that description.
// Numbers of 64 bits that are no counts (digests, fingerprint, seed) are hexadecimal text, since
// JSON's readers may keep only 53 bits. JSON has no NaN: a number that is not finite is null. For
// .cc files of this folder alone.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <concepts>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/reporters/reporter.h"

namespace loadproof::harness {

using Json = nlohmann::ordered_json;

template <typename T, typename Plain>
concept Like = std::same_as<std::remove_const_t<T>, Plain>;

template <typename A>
void fields(A& a, Like<StateRange> auto& v) {
  a("begin", v.begin), a("end", v.end), a("state", v.root), a("last", v.kind), a("step", v.step);
  a("root_step", v.root_step), a("root_rank", v.root_rank), a("chain", v.chain);
}
template <typename A>
void fields(A& a, Like<Comparison> auto& v) {
  a("kind", v.kind), a("story", v.story), a("from_file", v.from_file);
  a("known", v.known), a("equal", v.equal), a("differing", v.differing);
  a("first_differing", v.first_differing), a("last_differing", v.last_differing);
  a("not_from_source", v.not_from_source), a("reason", v.reason);
}
template <typename A>
void fields(A& a, Like<ElementRange> auto& v) {
  a("begin", v.begin), a("end", v.end);
}
template <typename A>
void fields(A& a, Like<TensorObservation> auto& v) {
  a("name", v.name), a("kind", v.kind), a("dtype", v.dtype), a("shape", v.shape);
  a("declared_dtype", v.declared_dtype), a("declared_shape", v.declared_shape), a("meta", v.meta);
  a("storage", v.storage), a("tied_to", v.tied_to), a("flags", v.flags), a("elements", v.elements);
  a("nan", v.nan), a("inf", v.inf), a("zero", v.zero), a("one", v.one);
  a("state_counts", v.state_counts), a("states", v.states), a("checkpoint", v.reference);
  a("source", v.declared), a("piece", v.piece), a("held", v.held);
  a("astray", v.astray);
  a("digest", v.digest);
}
template <typename A>
void fields(A& a, Like<Reach> auto& v) {
  a("tensor", v.tensor), a("begin", v.begin), a("end", v.end), a("state", v.root);
  a("chain", v.chain);
}
template <typename A>
void fields(A& a, Like<Generation> auto& v) {
  a("step", v.step), a("mode", v.mode), a("logits", v.logits_elements), a("nan", v.nan);
  a("inf", v.inf), a("sampled_nan", v.sampled_nan), a("sampled_inf", v.sampled_inf);
  a("argmax_last", v.argmax_last), a("all_equal", v.all_equal), a("max_prob", v.max_prob);
  a("tokens", v.tokens), a("error", v.error), a("logits_digest", v.logits_digest);
  a("reaching", v.reaching);
}
template <typename A>
void fields(A& a, Like<Point> auto& v) {
  a("id", v.id), a("step", v.step), a("sampled", v.sampled), a("tensors", v.tensors);
}
template <typename A>
void fields(A& a, Like<ChangedTensor> auto& v) {
  a("name", v.name), a("judged", v.judged), a("state", v.state), a("chain", v.chain);
}
template <typename A>
void fields(A& a, Like<FailedUpdate> auto& v) {
  a("step", v.step), a("raised_at", v.raised_at), a("error", v.error), a("on_error", v.on_error);
  a("run", v.run), a("points", v.points), a("unchanged", v.unchanged), a("changed", v.changed);
}
template <typename A>
void fields(A& a, Like<FinishedUpdate> auto& v) {
  a("step", v.step), a("run", v.run), a("changed", v.changed);
}
template <typename A>
void fields(A& a, Like<RankObservation> auto& v) {
  a("rank", v.rank), a("outcome", v.outcome), a("stopped_at", v.stopped_at), a("error", v.error);
  a("reserved_peak", v.reserved_peak), a("reserved_peak_step", v.reserved_peak_step);
  a("device_peak", v.device_peak), a("device_peak_step", v.device_peak_step);
  a("generations", v.generations), a("failed_updates", v.failed_updates);
  a("finished_updates", v.finished_updates), a("points", v.points);
}
template <typename A>
void fields(A& a, Like<MismatchObservation> auto& v) {
  a("kind", v.kind), a("fatal", v.fatal), a("text", v.text), a("ranks", v.ranks);
  a("tensors", v.tensors), a("step", v.step);
}
template <typename A>
void fields(A& a, Like<WaitObservation> auto& v) {
  a("rank", v.rank), a("step", v.step), a("op", v.op), a("tensor", v.tensor), a("group", v.group);
  a("sequence", v.sequence), a("missing", v.missing), a("text", v.text);
}
template <typename A>
void fields(A& a, Like<MemoryUse> auto& v) {
  a("resident", v.resident), a("reserved", v.reserved);
}
template <typename A>
void fields(A& a, Like<PeakObservation::Rise> auto& v) {
  a("step", v.step), a("rank", v.rank), a("to", v.to);
}
template <typename A>
void fields(A& a, Like<PeakObservation> auto& v) {
  a("holder", v.holder), a("index", v.index), a("alike", v.alike), a("resident", v.resident);
  a("reserved", v.reserved), a("step", v.step), a("rank", v.rank), a("rises", v.rises);
}
template <typename A, typename T>
void fields(A& a, const ByDevice<T>& v) {
  a("cpu", v[Device::kCpu]), a("cuda", v[Device::kCuda]);
}
template <typename A, typename T>
void fields(A& a, ByDevice<T>& v) {
  a("cpu", v[Device::kCpu]), a("cuda", v[Device::kCuda]);
}
template <typename A>
void fields(A& a, Like<MemorySample> auto& v) {
  a("step", v.step), a("most", v.most), a("after", v.after), a("committed", v.committed);
}
template <typename A>
void fields(A& a, Like<Standing> auto& v) {
  a("tensor", v.tensor), a("bytes", v.bytes), a("needed", v.needed);
}
template <typename A>
void fields(A& a, Like<MemoryPeak> auto& v) {
  a("most", v.most), a("step", v.step), a("standing", v.standing);
}
template <typename A>
void fields(A& a, Like<MemoryObservation> auto& v) {
  a("ranks", v.ranks), a("samples", v.samples), a("peaks", v.peaks);
}
template <typename A>
void fields(A& a, Like<CostObservation::Item> auto& v) {
  a("bytes", v.bytes), a("seconds", v.seconds);
}
template <typename A>
void fields(A& a, Like<CostObservation::Reads> auto& v) {
  a("nodes", v.nodes), a("bytes", v.bytes), a("reads", v.reads);
}
template <typename A>
void fields(A& a, Like<CostObservation> auto& v) {
  a("storage_read", v.storage_read), a("storage_written", v.storage_written);
  a("host_memory", v.host_memory), a("host_device", v.host_device);
  a("intra_node", v.intra_node), a("inter_node", v.inter_node), a("stated", v.stated);
  a("seconds", v.seconds), a("reads", v.reads);
}
template <typename A>
void fields(A& a, Like<WritesObservation> auto& v) {
  a("rank", v.rank), a("tensor", v.tensor), a("most", v.most), a("begin", v.begin);
  a("end", v.end), a("step", v.step);
}
template <typename A>
void fields(A& a, Like<VacuousObservation> auto& v) {
  a("kind", v.kind), a("text", v.text), a("tensors", v.tensors);
  a("step", v.step), a("ranks", v.ranks), a("selector", v.selector);
}
template <typename A>
void fields(A& a, Like<StepLabel> auto& v) {
  a("id", v.id), a("verb", v.verb), a("file", v.file), a("line", v.line);
}
template <typename A>
void fields(A& a, Like<Observation> auto& v) {
  a("fingerprint", v.fingerprint), a("events", v.events), a("steps", v.steps);
  a("mismatches", v.mismatches), a("waits", v.waits), a("wait_report", v.wait_report);
  a("vacuous", v.vacuous), a("peaks", v.peaks), a("memory", v.memory);
  a("cost", v.cost);
  a("writes", v.writes);
  a("ranks", v.ranks);
}
template <typename A>
void fields(A& a, Like<Finding> auto& v) {
  a("rank", v.rank), a("tensor", v.tensor), a("begin", v.begin), a("end", v.end);
  a("state", v.state), a("chain", v.chain), a("step", v.step), a("blamed_step", v.blamed_step);
  a("root_rank", v.root_rank), a("kind", v.kind), a("at", v.at), a("text", v.text);
}
template <typename A>
void fields(A& a, Like<Verdict> auto& v) {
  a("oracle", v.oracle), a("judgement", v.judgement), a("summary", v.summary);
  a("findings", v.findings);
}
// What is known of a case beside its plan.
template <typename A>
void fields(A& a, Like<CaseResult> auto& v) {
  a("status", v.status), a("error", v.error), a("surprises", v.surprises);
  a("seconds", v.seconds), a("replay", v.replay), a("verdicts", v.verdicts);
  a("observation", v.observation);
}

using StateCounts = std::array<int64_t, kStateKinds>;

struct JsonWriter {
  Json out = Json::object();
  template <typename T>
  void operator()(const char* key, const T& value) {
    out[key] = encode(value);
  }
  static Json encode(const std::string& text) { return text; }
  static Json encode(bool value) { return value; }
  static Json encode(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
  static Json encode(uint64_t value) { return fmt::format("{:016x}", value); }
  template <std::signed_integral T>
  static Json encode(T value) { return value; }
  template <typename T>
    requires std::is_enum_v<T>
  static Json encode(T value) { return std::string(name(value)); }
  static Json encode(const StateCounts& counts) {
    Json out = Json::object();
    for (size_t i = 0; i < counts.size(); ++i)
      if (counts[i] != 0) out[std::string(name(static_cast<StateKind>(i)))] = counts[i];
    return out;
  }
  template <typename T>
  static Json encode(const std::vector<T>& list) {
    Json out = Json::array();
    for (const T& item : list) out.push_back(encode(item));
    return out;
  }
  template <typename T>
    requires std::is_class_v<T>
  static Json encode(const T& value) {
    JsonWriter inner;
    fields(inner, value);
    return std::move(inner.out);
  }
};

// nlohmann's exceptions pass through, to be caught by who reads.
struct JsonReader {
  const Json& in;
  template <typename T>
  void operator()(const char* key, T& value) {
    decode(in.at(key), value);
  }
  static void decode(const Json& json, std::string& text) { text = json.get<std::string>(); }
  static void decode(const Json& json, bool& value) { value = json.get<bool>(); }
  static void decode(const Json& json, double& value) {
    value = json.is_null() ? std::nan("") : json.get<double>();
  }
  static void decode(const Json& json, uint64_t& value) {
    value = std::stoull(json.get<std::string>(), nullptr, 16);
  }
  template <std::signed_integral T>
  static void decode(const Json& json, T& value) { value = json.get<T>(); }
  template <typename T>
    requires std::is_enum_v<T>
  static void decode(const Json& json, T& value) {
    const auto text = json.get<std::string>();
    for (int i = 0; i < 64; ++i)  // past the last enumerator, name() is ""
      if (name(static_cast<T>(i)) == text) return void(value = static_cast<T>(i));
    throw std::invalid_argument("no value is called " + text);
  }
  static void decode(const Json& json, StateKind& value) {
    auto kind = state_named(json.get<std::string>());
    if (!kind) throw std::invalid_argument(kind.error().message);
    value = *kind;
  }
  static void decode(const Json& json, StateCounts& counts) {
    counts.fill(0);
    for (const auto& [key, value] : json.items()) {
      StateKind kind{};
      decode(Json(key), kind);
      counts[static_cast<size_t>(kind)] = value.get<int64_t>();
    }
  }
  template <typename T>
  static void decode(const Json& json, std::vector<T>& list) {
    list.clear();
    for (const Json& item : json) decode(item, list.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  static void decode(const Json& json, T& value) {
    JsonReader inner{json};
    fields(inner, value);
  }
};

// A case is one line, for an indented report is half as long again. Text of others, such as a key
// of a checkpoint, may be no UTF-8: its bytes are replaced, not refused.
inline std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace loadproof::harness
