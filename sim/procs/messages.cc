#include "sim/procs/messages.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "sim/procs/state_json.h"
#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

using Json = nlohmann::json;

// Names of tensors may be no UTF-8, of which JSON has nothing else.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The one place where what nlohmann throws becomes an Error.
template <typename Read>
auto read_json(std::string_view text, Read read) -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(std::string("a message of another process cannot be read: ") + error.what());
  }
}

template <typename T>
T number_as(const Json& json) {
  return static_cast<T>(json.get<int>());
}

Json sizes_of(const std::vector<at::Tensor>& tensors) {
  Json sizes = Json::array();
  for (const at::Tensor& tensor : tensors) sizes.push_back(bytes_of(tensor));
  return sizes;
}

std::vector<at::Tensor> tensors_of(const Json& sizes, DType dtype) {
  std::vector<at::Tensor> tensors;
  for (const Json& bytes : sizes)
    tensors.push_back(meta_tensor({bytes.get<int64_t>() / item_size(dtype)}, dtype));
  return tensors;
}

Json json_of(const Call& call) {
  Json json = {{"op", static_cast<int>(call.op)},
               {"rank", call.rank},
               {"step", call.step},
               {"id", call.step_id},
               {"tensor", call.tensor},
               {"dtype", static_cast<int>(call.dtype)},
               {"shape", call.shape},
               {"bytes", call.bytes},
               {"source", call.source},
               {"reduction", static_cast<int>(call.reduction)},
               {"flags", {call.match_bytes, call.truncates, call.stall, call.async}},
               {"tag", call.tag},
               {"in", sizes_of(call.in)},
               {"out", sizes_of(call.out)}};
  if (call.timeout) json["timeout"] = *call.timeout;
  return json;
}

Call call_of(const Json& json) {
  Call call;
  call.op = number_as<Collective>(json.at("op"));
  call.rank = json.at("rank");
  call.step = json.at("step");
  call.step_id = json.at("id");
  call.tensor = json.at("tensor");
  call.dtype = number_as<DType>(json.at("dtype"));
  call.shape = json.at("shape").get<std::vector<int64_t>>();
  call.bytes = json.at("bytes");
  call.source = json.at("source");
  call.reduction = number_as<Reduction>(json.at("reduction"));
  const Json& flags = json.at("flags");
  call.match_bytes = flags.at(0);
  call.truncates = flags.at(1);
  call.stall = flags.at(2);
  call.async = flags.at(3);
  call.tag = json.at("tag");
  if (json.contains("timeout")) call.timeout = json.at("timeout").get<double>();
  call.in = tensors_of(json.at("in"), call.dtype);
  call.out = tensors_of(json.at("out"), call.dtype);
  call.present = true;
  return call;
}

Json json_of(const VacuousObservation& seen) {
  return {{"step", seen.step}, {"ranks", seen.ranks}, {"selector", seen.selector},
          {"kind", seen.kind}, {"text", seen.text},   {"tensors", seen.tensors}};
}

VacuousObservation vacuous_of(const Json& json) {
  return {.step = json.at("step"),
          .ranks = json.at("ranks").get<std::vector<int>>(),
          .selector = json.at("selector"),
          .kind = json.at("kind"),
          .text = json.at("text"),
          .tensors = json.at("tensors").get<std::vector<std::string>>()};
}

Json json_of(const Posting& posting) {
  Json json = {{"group", posting.group}, {"call", json_of(posting.call)}};
  if (posting.channel) json["channel"] = {posting.channel->first, posting.channel->second};
  return json;
}

Json json_of(const Working& work) { return {{"seconds", work.seconds}, {"step", work.step}}; }

std::variant<Posting, Working> event_of(const Json& json) {
  if (json.contains("seconds")) return Working{json.at("seconds"), json.at("step")};
  Posting posting{.group = json.at("group"), .channel = {}, .call = call_of(json.at("call"))};
  if (json.contains("channel"))
    posting.channel = {json.at("channel").at(0).get<int>(), json.at("channel").at(1).get<int>()};
  return posting;
}

Json json_of(const std::vector<StoreNews>& news) {
  Json list = Json::array();
  for (const StoreNews& one : news) list.push_back({one.store, one.copy, one.version});
  return list;
}

Json json_of(const std::vector<HeldMemory>& held) {
  Json list = Json::array();
  for (const HeldMemory& one : held) {
    const MemoryUse &host = one.use[Device::kCpu], &device = one.use[Device::kCuda];
    list.push_back({one.meeting, one.met, one.step, host.resident, host.reserved,
                    device.resident, device.reserved});
  }
  return list;
}

std::vector<HeldMemory> held_of(const Json& list) {
  std::vector<HeldMemory> held;
  for (const Json& one : list) {
    HeldMemory& added = held.emplace_back();
    added.meeting = one.at(0);
    added.met = one.at(1);
    added.step = one.at(2);
    added.use[Device::kCpu] = {one.at(3), one.at(4)};
    added.use[Device::kCuda] = {one.at(5), one.at(6)};
  }
  return held;
}

std::vector<StoreNews> news_of(const Json& list) {
  std::vector<StoreNews> news;
  for (const Json& one : list) news.push_back({one.at(0), one.at(1), one.at(2)});
  return news;
}

Turn turn_of(const Json& json) {
  Turn turn;
  turn.woken_by = json.at("woken_by");
  for (const Json& event : json.at("events")) turn.events.push_back(event_of(event));
  for (const Json& one : json.at("vacuous")) turn.vacuous.push_back(vacuous_of(one));
  turn.whereabouts = json.at("whereabouts");
  turn.stopped = json.at("stopped");
  turn.changed = news_of(json.at("changed"));
  turn.held = held_of(json.at("held"));
  return turn;
}

Meeting meeting_of(const Json& json) {
  Meeting meeting;
  meeting.number = json.at("number");
  meeting.group = json.at("group");
  meeting.sequence = json.at("sequence");
  meeting.moves = json.at("moves");
  meeting.aborted = json.at("aborted").get<std::vector<int>>();
  meeting.transfer.source = json.at("source");
  for (const Json& call : json.at("calls")) meeting.calls.push_back(call_of(call));
  return meeting;
}

// Lengths of runs of equal elements, the first of false ones.
Json runs_of(const at::Tensor& broken) {
  Json runs = Json::array();
  const bool* const values = broken.const_data_ptr<bool>();
  int64_t length = 0;
  bool now = false;
  for (int64_t i = 0; i < broken.numel(); ++i, ++length) {
    if (values[i] == now) continue;
    runs.push_back(std::exchange(length, 0));
    now = values[i];
  }
  runs.push_back(length);
  return runs;
}

at::Tensor broken_of(const Json& runs) {
  int64_t all = 0, at = 0;
  for (const Json& run : runs) all += run.get<int64_t>();
  at::Tensor broken = empty_tensor({all}, DType::kBool);
  bool* const values = broken.mutable_data_ptr<bool>();
  bool now = false;
  for (const Json& run : runs) {
    std::fill_n(values + at, run.get<int64_t>(), now);
    at += run.get<int64_t>();
    now = !now;
  }
  return broken;
}

Json json_of(const Shard::Level& level) {
  const Cut& cut = level.cut;
  return {{"rule", static_cast<int>(cut.rule)}, {"dim", cut.dim}, {"multiple", cut.multiple},
          {"sections", cut.sections}, {"order", cut.order}, {"stride", cut.stride},
          {"flat_begin", cut.flat_begin}, {"flat_total", cut.flat_total},
          {"group", level.group}, {"shape", level.shape}};
}

Shard::Level level_of(const Json& json) {
  return {.cut = {.rule = number_as<CutRule>(json.at("rule")),
                  .dim = json.at("dim"),
                  .multiple = json.at("multiple"),
                  .sections = json.at("sections").get<std::vector<int64_t>>(),
                  .order = json.at("order").get<std::vector<int64_t>>(),
                  .stride = json.at("stride"),
                  .flat_begin = json.at("flat_begin"),
                  .flat_total = json.at("flat_total")},
          .group = json.at("group"),
          .shape = json.at("shape").get<std::vector<int64_t>>(),
          .layout = {}};
}

}  // namespace

std::string write_message(const Message& message) {
  Json json = {{"kind", message.kind}, {"run", message.run}};
  if (message.rank >= 0) json["rank"] = message.rank;
  if (message.number >= 0) json["number"] = message.number;
  if (!message.to.empty()) json["to"] = message.to;
  if (!message.text.empty()) json["text"] = message.text;
  return dumped(json) + "\n" + message.body;
}

Result<Message> read_message(std::string_view frame) {
  const size_t end = std::min(frame.find('\n'), frame.size());
  return read_json(frame.substr(0, end), [&](const Json& json) {
    return Message{.kind = json.at("kind"),
                   .run = json.at("run"),
                   .rank = json.value("rank", -1),
                   .number = json.value("number", int64_t{-1}),
                   .to = json.value("to", std::vector<int>()),
                   .text = json.value("text", std::string()),
                   .body = std::string(frame.substr(std::min(end + 1, frame.size())))};
  });
}

std::string write_turn(const Turn& turn) {
  Json json = {{"woken_by", turn.woken_by}, {"whereabouts", turn.whereabouts},
               {"stopped", turn.stopped}, {"changed", json_of(turn.changed)},
               {"held", json_of(turn.held)}};
  Json events = Json::array(), vacuous = Json::array();
  for (const auto& event : turn.events)
    events.push_back(std::visit([](const auto& one) { return json_of(one); }, event));
  for (const VacuousObservation& one : turn.vacuous) vacuous.push_back(json_of(one));
  json["events"] = std::move(events);
  json["vacuous"] = std::move(vacuous);
  return dumped(json);
}

Result<Turn> read_turn(std::string_view text) { return read_json(text, turn_of); }

std::string write_news(const std::vector<StoreNews>& news) { return dumped(json_of(news)); }

Result<std::vector<StoreNews>> read_news(std::string_view text) { return read_json(text, news_of); }

std::string write_meetings(const std::vector<const Meeting*>& meetings) {
  Json list = Json::array();
  for (const Meeting* meeting : meetings) {
    Json calls = Json::array();
    for (const Call& call : meeting->calls) calls.push_back(json_of(call));
    list.push_back({{"number", meeting->number},
                    {"group", meeting->group},
                    {"sequence", meeting->sequence},
                    {"moves", meeting->moves},
                    {"aborted", meeting->aborted},
                    {"source", meeting->transfer.source},
                    {"calls", std::move(calls)}});
  }
  return dumped(list);
}

Result<std::vector<Meeting>> read_meetings(std::string_view text) {
  return read_json(text, [](const Json& list) {
    std::vector<Meeting> meetings;
    for (const Json& one : list) meetings.push_back(meeting_of(one));
    return meetings;
  });
}

std::string write_given(const Given& given, const OriginTable& origins) {
  OriginWriter writer(origins);
  Json json = {{"states", writer.add(given.states)}};
  json["origins"] = writer.list();
  if (given.broken.defined()) json["broken"] = runs_of(given.broken);
  if (given.level) json["level"] = json_of(*given.level);
  return dumped(json);
}

Result<Given> read_given(std::string_view text, OriginTable& origins) {
  return read_json(text, [&](const Json& json) {
    const OriginReader reader(json.at("origins"), origins);
    Given given{.states = reader.states(json.at("states")), .broken = {}, .level = {}};
    if (json.contains("broken")) given.broken = broken_of(json.at("broken"));
    if (json.contains("level")) given.level = level_of(json.at("level"));
    return given;
  });
}

}  // namespace loadproof::sim
